import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TinkerError } from '../../../src/errors.js';
import { createServer } from '../../../src/local/server/createServer.js';
import { listen, type Listening } from '../../../src/local/server/http.js';
import type { Server } from '../../../src/local/server/server.js';
import { TestEngine } from './support/testEngine.js';
import { forwardBackward, optimStep } from './support/testServer.js';

describe('the server over HTTP', () => {
  let engine: TestEngine;
  let server: Server;
  let listening: Listening;

  beforeEach(async () => {
    engine = new TestEngine();
    server = await createServer({ engine, limits: { bodyBytes: 10_000 } });
    listening = await listen(server);
  });

  afterEach(async () => {
    await server.close();
    await listening.close();
  });

  async function post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    return fetch(`${listening.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...init,
    });
  }

  async function json(response: Promise<Response>): Promise<Record<string, unknown>> {
    return (await (await response).json()) as Record<string, unknown>;
  }

  async function createModel(): Promise<string> {
    const { session_id: session } = await json(post('create_session', { tags: [] }));
    const create = { session_id: session, model_seq_id: 0, base_model: 'test/bigram', lora_config: { rank: 4 } };
    const { request_id: promise } = await json(post('create_model', create));
    return String((await json(post('retrieve_future', { request_id: promise }))).model_id);
  }

  it('listens on loopback at a free port and trains', async () => {
    expect(listening.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const model = await createModel();
    const losses: unknown[] = [];
    for (const seqId of [1, 3, 5]) {
      const { request_id: id } = await json(post('forward_backward', forwardBackward(model, seqId)));
      const { metrics } = await json(post('retrieve_future', { request_id: id }));
      losses.push((metrics as Record<string, number>)['loss:sum']);
      await post('optim_step', optimStep(model, seqId + 1));
    }
    const [first, second, third] = losses as number[];
    expect(second).toBeLessThan(Number(first));
    expect(third).toBeLessThan(Number(second));
  });

  it('holds a poll until the result is there, and answers others meanwhile', async () => {
    const model = await createModel();
    let release = (): void => undefined;
    engine.before = () => new Promise((resolve) => (release = resolve));
    const { request_id: id } = await json(post('optim_step', optimStep(model, 1)));
    let done = false;
    const poll = json(post('retrieve_future', { request_id: id })).then((body) => {
      done = true;
      return body;
    });
    for (let beat = 0; beat < 5; beat += 1) expect((await post('client/config', {})).status).toBe(200);
    expect(done).toBe(false);
    engine.before = () => Promise.resolve();
    release();
    expect(await poll).toHaveProperty('metrics');
  });

  it('says the length of every answer and gives errors a JSON body', async () => {
    const answers = [
      await fetch(`${listening.url}/api/v1/healthz`),
      await fetch(`${listening.url}/`),
      await fetch(`${listening.url}/api/v1/create_session`),
      await post('create_session', {}, { body: '{' }),
      await post('create_session', {}, { headers: { 'content-type': 'text/plain' } }),
      await post('create_session', {}, { body: 'x'.repeat(10_001) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 405, 400, 415, 413]);
    for (const answer of answers) {
      const text = await answer.text();
      expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
      if (!answer.ok) expect((JSON.parse(text) as { detail: string }).detail).not.toBe('');
    }
  });

  it('stops reading a body that grows beyond the limit without saying its length', async () => {
    const { port } = new URL(listening.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('POST /api/v1/create_session HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 413 /);
    expect(reply.toString().toLowerCase()).toContain('content-length:');
  });

  it('answers what is no HTTP with 400, a body and its length', async () => {
    const { port } = new URL(listening.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('nonsense\r\n\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*content-length: \d+\r\n\r\n\{"detail":/);
  });

  it('lets go of a poll whose client hangs up', async () => {
    const model = await createModel();
    let release = (): void => undefined;
    engine.before = () => new Promise((resolve) => (release = resolve));
    const { request_id: id } = await json(post('optim_step', optimStep(model, 1)));
    const abort = new AbortController();
    const poll = post('retrieve_future', { request_id: id }, { signal: abort.signal });
    setTimeout(() => {
      abort.abort();
    }, 50);
    await expect(poll).rejects.toThrow();
    engine.before = () => Promise.resolve();
    release();
  }, 5000);

  it('refuses a port in use and a host without a key, naming them', async () => {
    const { port } = new URL(listening.url);
    const taken = await listen(server, { port: Number(port) }).catch((error: unknown) => error);
    expect(taken).toBeInstanceOf(TinkerError);
    expect(taken).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(port) as string });
    await expect(listen(server, { host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('0.0.0.0') as string,
    });
    await expect(listen(server, { port: -1 })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('127.0.0.1:-1') as string,
    });
    await expect(listen(server, { host: '127.0.0.1.nope' })).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('does not answer a name that was pointed at this machine', async () => {
    const { port } = new URL(listening.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /api/v1/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(reply.toString()).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('asks for the key where there is one', async () => {
    const keyed = await createServer({ engine, apiKey: 'tml-key' });
    const other = await listen(keyed, { host: '0.0.0.0' });
    const url = `http://127.0.0.1:${new URL(other.url).port}/api/v1/healthz`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { 'X-API-Key': 'tml-key' } })).status).toBe(200);
    await keyed.close();
    await other.close();
  });

  /** What a socket is told until it is closed, after it sent this. */
  async function told(port: string, text: string, closed = true): Promise<string> {
    const socket = connect(Number(port), '127.0.0.1');
    let reply = '';
    socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(text);
    await new Promise((resolve) => socket.once(closed ? 'close' : 'data', resolve));
    socket.destroy();
    return reply;
  }

  it('closes connections that are slow to send their headers', async () => {
    const impatient = await listen(server, { headersMs: 100 });
    const started = performance.now();
    const reply = await told(new URL(impatient.url).port, 'GET /api/v1/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ');
    expect(reply).toMatch(/^HTTP\/1\.1 408 [\s\S]*\{"detail":/);
    expect(performance.now() - started).toBeLessThan(2000);
    await impatient.close();
  });

  it('refuses long headers', async () => {
    const { port } = new URL(listening.url);
    const reply = await told(port, `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 431 [\s\S]*\{"detail":"Expected headers of at most 16384 bytes\."\}$/);
  });

  it('takes so many connections and no more, and others again once some are closed', async () => {
    const small = await listen(server, { maxConnections: 2 });
    const { port } = new URL(small.url);
    const open = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(Number(port), '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      }),
    );
    expect(await told(port, 'GET /api/v1/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')).toBe('');
    for (const socket of open) {
      socket.destroy();
      await once(socket, 'close');
    }
    await expect
      .poll(async () => (await fetch(`${small.url}/api/v1/healthz`).catch(() => undefined))?.status)
      .toBe(200);
    await small.close();
  });

  it('keeps a limited number of bytes of bodies that are not whole, and all again once those are done', async () => {
    const small = await listen(server, { receivedBytes: 5000 });
    const { port } = new URL(small.url);
    const head = (length: number): string =>
      `POST /api/v1/create_session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
    const slow = connect(Number(port), '127.0.0.1');
    slow.write(head(9000) + ' '.repeat(4000));
    const whole = (): Promise<string> => told(port, `${head(2000)}{${' '.repeat(1998)}}`, false);
    await expect.poll(whole).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after-ms: 500/);
    slow.destroy();
    await expect.poll(whole).toMatch(/^HTTP\/1\.1 200 /);
    await small.close();
  });

  it('refuses a request without the key before its body', async () => {
    const keyed = await createServer({ engine, apiKey: 'tml-key' });
    const other = await listen(keyed);
    const { port } = new URL(other.url);
    const reply = await told(port, 'POST /api/v1/forward HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{');
    expect(reply).toMatch(/^HTTP\/1\.1 401 /);
    await keyed.close();
    await other.close();
  });
});
