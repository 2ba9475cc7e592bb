import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchTransport } from '../../src/transport/fetchTransport.js';
import type { Transport } from '../../src/transport/transport.js';
import { undiciTransport } from '../../src/transport/undiciTransport.js';
import { freePort, listen, request, text } from './testServer.js';

const transports = {
  undici: (baseUrl: string): Transport => {
    const transport = undiciTransport({ baseUrl });
    onTestFinished(() => lastValueFrom(transport.close(), { defaultValue: undefined }));
    return transport;
  },
  fetch: (baseUrl: string): Transport => fetchTransport({ baseUrl }),
};

describe.each(Object.entries(transports))('%s transport', (_, connect) => {
  it('carries method, path, headers and body both ways', async () => {
    const url = await listen((incoming, answer) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { method, url: path, headers } = incoming;
        answer.writeHead(201, { 'X-Note': 'yes' });
        answer.end(JSON.stringify([method, path, headers['x-api-key'], Buffer.concat(chunks).toString('utf8')]));
      });
    });
    const transport = connect(`${url}/prefix/`);
    const headers = { 'x-api-key': 'tml-a' };
    const sent = request({ method: 'PUT', path: '/api/v1/x?y=1', headers, body: new TextEncoder().encode('ü') });
    const answers = await firstValueFrom(transport.send(sent).pipe(toArray()));
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({ status: 201, headers: { 'x-note': 'yes' } });
    expect(JSON.parse(text(answers[0]?.body ?? new Uint8Array()))).toEqual([
      'PUT',
      '/prefix/api/v1/x?y=1',
      'tml-a',
      'ü',
    ]);
  });

  it('sends nothing before the subscription and once a subscription', async () => {
    let count = 0;
    const url = await listen((_incoming, answer) => answer.end(String(++count)));
    const sending = connect(url).send(request({ method: 'GET' }));
    expect(count).toBe(0);
    expect(text((await firstValueFrom(sending)).body)).toBe('1');
    expect(text((await firstValueFrom(sending)).body)).toBe('2');
  });

  it('emits answers of any status and follows no redirect', async () => {
    const url = await listen((incoming, answer) => {
      answer.writeHead(Number(incoming.url?.slice(-3)), { location: '/elsewhere' }).end('said');
    });
    const transport = connect(url);
    const statusOf = async (status: number) =>
      (await firstValueFrom(transport.send(request({ path: `/${status}` })))).status;
    expect(await statusOf(404)).toBe(404);
    expect(await statusOf(503)).toBe(503);
    expect(await statusOf(302)).toBe(302);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('decodes %s', async (encoding, encode) => {
    const long = 'loss '.repeat(10_000);
    const url = await listen((incoming, answer) => {
      expect(incoming.headers['accept-encoding']).toContain(encoding);
      answer.writeHead(200, { 'content-encoding': encoding }).end(encode(long));
    });
    expect(text((await firstValueFrom(connect(url).send(request()))).body)).toBe(long);
  });

  it('says that nothing listens at host and port', async () => {
    const port = await freePort();
    await expect(firstValueFrom(connect(`http://127.0.0.1:${port}`).send(request()))).rejects.toMatchObject({
      code: 'connection_failed',
      retryable: true,
      message: `Could not reach 127.0.0.1:${port}: nothing listens there (ECONNREFUSED).`,
    });
  });

  it('fails when the connection is reset before the answer or within it', async () => {
    const url = await listen((incoming, answer) => {
      if (incoming.url === '/within') {
        answer.writeHead(200, { 'content-length': '100' });
        answer.write('half');
        setImmediate(() => incoming.socket.destroy());
      } else {
        incoming.socket.resetAndDestroy();
      }
    });
    const transport = connect(url);
    const failure = { code: 'connection_failed', retryable: true };
    await expect(firstValueFrom(transport.send(request({ path: '/before' })))).rejects.toMatchObject(failure);
    await expect(firstValueFrom(transport.send(request({ path: '/within' })))).rejects.toMatchObject(failure);
  });

  it('gives up when the whole answer is not there in time', async () => {
    const url = await listen((incoming, answer) => {
      if (incoming.url === '/half') answer.writeHead(200).write('half');
    });
    const transport = connect(url);
    for (const path of ['/half', '/none']) {
      await expect(firstValueFrom(transport.send(request({ path, timeoutMs: 50 })))).rejects.toMatchObject({
        code: 'request_timeout',
        retryable: true,
        message: expect.stringMatching(
          /^No complete answer of \/\w+ from 127\.0\.0\.1:\d+ within 0\.05 s\.$/,
        ) as string,
      });
    }
  });

  it('aborts the request when nobody waits any more', async () => {
    const told = new EventEmitter();
    const arrival = once(told, 'arrival');
    const abort = once(told, 'abort');
    const url = await listen((incoming) => {
      incoming.socket.on('close', () => told.emit('abort'));
      told.emit('arrival');
    });
    const seen: unknown[] = [];
    const note = (value: unknown) => seen.push(value);
    const subscription = connect(url)
      .send(request())
      .subscribe({ next: note, error: note, complete: () => note('end') });
    await arrival;
    subscription.unsubscribe();
    await abort;
    expect(seen).toEqual([]);
  });
});

describe('undici transport', () => {
  it('keeps connections, and heartbeats apart from sends', async () => {
    const sockets = new Set<unknown>();
    const url = await listen((incoming, answer) => {
      sockets.add(incoming.socket);
      if (incoming.url !== '/held') answer.end();
    });
    const transport = undiciTransport({ baseUrl: url, connections: { send: 1 } });
    for (let i = 0; i < 5; i++) await firstValueFrom(transport.send(request()));
    expect(sockets.size).toBe(1);
    const held = transport.send(request({ path: '/held' })).subscribe({ error: () => undefined });
    const { status } = await firstValueFrom(transport.send(request({ pool: 'heartbeat' })));
    expect(status).toBe(200);
    expect(sockets.size).toBe(2);
    held.unsubscribe();
    await lastValueFrom(transport.close(), { defaultValue: undefined });
  });

  it('does not send what was unsubscribed while it waited for a connection', async () => {
    const paths: string[] = [];
    const told = new EventEmitter();
    const arrival = once(told, 'held');
    const url = await listen((incoming, answer) => {
      paths.push(incoming.url ?? '');
      if (incoming.url !== '/held') answer.end();
      else told.emit('held', answer);
    });
    const transport = undiciTransport({ baseUrl: url, connections: { send: 1 } });
    const held = firstValueFrom(transport.send(request({ path: '/held' })));
    const [heldAnswer] = (await arrival) as [ServerResponse];
    transport
      .send(request({ path: '/left' }))
      .subscribe({ error: () => undefined })
      .unsubscribe();
    const next = firstValueFrom(transport.send(request({ path: '/next' })));
    heldAnswer.end();
    await Promise.all([held, next]);
    expect(paths).toEqual(['/held', '/next']);
    await lastValueFrom(transport.close(), { defaultValue: undefined });
  });

  it('fails at once after close, and says so', async () => {
    const transport = undiciTransport({ baseUrl: 'http://127.0.0.1:1' });
    await lastValueFrom(transport.close(), { defaultValue: undefined });
    await lastValueFrom(transport.close(), { defaultValue: undefined });
    await expect(firstValueFrom(transport.send(request()))).rejects.toMatchObject({
      code: 'connection_failed',
      retryable: false,
      message: expect.stringContaining('the transport was closed') as string,
    });
  });

  it('refuses an answer that it can not decode', async () => {
    const url = await listen((incoming, answer) => {
      answer.writeHead(200, { 'content-encoding': incoming.url === '/br' ? 'br' : 'gzip' }).end('no gzip');
    });
    const transport = undiciTransport({ baseUrl: url });
    const failure = (message: string) => ({
      code: 'invalid_response',
      message: expect.stringContaining(message) as string,
    });
    await expect(firstValueFrom(transport.send(request({ path: '/br' })))).rejects.toMatchObject(failure('got br'));
    await expect(firstValueFrom(transport.send(request()))).rejects.toMatchObject(failure('do not decode'));
  });
});

describe('fetch transport', () => {
  it('holds at most 4 polls open; others wait, sends do not', async () => {
    let open = 0;
    const most: number[] = [];
    const release: (() => void)[] = [];
    const url = await listen((incoming, answer) => {
      if (incoming.url === '/send') {
        answer.end();
        return;
      }
      most.push(++open);
      release.push(() => {
        open -= 1;
        answer.end();
      });
    });
    const transport = fetchTransport({ baseUrl: url });
    const polls = Array.from({ length: 6 }, () => firstValueFrom(transport.send(request({ pool: 'poll' }))));
    await expect.poll(() => open, { timeout: 10_000 }).toBe(4);
    await firstValueFrom(transport.send(request({ path: '/send' })));
    expect(open).toBe(4);
    while (most.length < 6) {
      release.shift()?.();
      await delay(10);
    }
    release.forEach((end) => end());
    expect((await Promise.all(polls)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(Math.max(...most)).toBe(4);
  });
});
