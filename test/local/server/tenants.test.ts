import { lastValueFrom, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../../src/local/server/createServer.js';
import { memoryStorage } from '../../../src/local/server/memoryStorage.js';
import type { Server } from '../../../src/local/server/server.js';
import type { Storage } from '../../../src/local/server/storage.js';
import { TestEngine } from './support/testEngine.js';
import { forwardBackward, optimStep } from './support/testServer.js';

const anna = 'tml-anna-0123456789';
const bert = 'tml-bert-9876543210';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** Sends requests with one key. */
function clientOf(server: Server, key: string | undefined) {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await lastValueFrom(
      server.handle({
        method,
        path: `/api/v1/${path}`,
        headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
        ...(body !== undefined && { body: new TextEncoder().encode(JSON.stringify(body)) }),
      }),
    );
    const text = new TextDecoder().decode(response.body);
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, text };
  };
  const post = (path: string, body: unknown): Promise<Answer> => call('POST', path, body);
  const done = async (path: string, body: unknown): Promise<Answer> =>
    post('retrieve_future', { request_id: (await post(path, body)).body.request_id });
  return { call, post, done };
}

type Client = ReturnType<typeof clientOf>;

async function model({ post, done }: Client): Promise<{ session: string; model: string }> {
  const session = String((await post('create_session', {})).body.session_id);
  const create = { session_id: session, model_seq_id: 0, base_model: 'test/bigram', lora_config: { rank: 4 } };
  return { session, model: String((await done('create_model', create)).body.model_id) };
}

async function paths({ call }: Client): Promise<string[]> {
  const { body } = await call('GET', 'checkpoints');
  return (body.checkpoints as { tinker_path: string }[]).map(({ tinker_path }) => tinker_path);
}

const decode = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

const serve = (keys: readonly string[], storage: Storage = memoryStorage()): Promise<Server> =>
  createServer({ engine: new TestEngine(), storage, apiKeys: keys });

describe('clients with different keys', () => {
  it('see nothing of each other: every way to ask for it is answered 404, as for what never was', async () => {
    const server = await serve([anna, bert]);
    const a = clientOf(server, anna);
    const b = clientOf(server, bert);
    const { session, model: id } = await model(a);
    const path = String((await a.done('save_weights', { model_id: id, seq_id: 1, path: 'mine' })).body.path);
    const sampler = await a.post('create_sampling_session', {
      session_id: session,
      sampling_session_seq_id: 0,
      model_path: path,
    });
    const samplerId = sampler.body.sampling_session_id;
    const { request_id: promise } = (await a.post('optim_step', optimStep(id, 2))).body;
    const own = await model(b);
    const run = `training_runs/${encodeURIComponent(id)}`;
    const one = `${run}/checkpoints/weights/mine`;
    const prompt = { chunks: [{ type: 'encoded_text', tokens: [1] }] };
    const tries = await Promise.all([
      b.post('session_heartbeat', { session_id: session }),
      b.call('GET', `sessions/${session}`),
      b.post(`sessions/${session}/finish`, { reason: { type: 'success' } }),
      b.post('create_model', { session_id: session, model_seq_id: 1, base_model: 'test/bigram' }),
      b.post('get_info', { model_id: id }),
      b.post('forward_backward', forwardBackward(id, 3)),
      b.post('optim_step', optimStep(id, 3)),
      b.post('save_weights', { model_id: id, seq_id: 3, path: 'theirs' }),
      b.post('save_weights_for_sampler', { model_id: id, seq_id: 3, path: 'theirs' }),
      b.post('unload_model', { model_id: id }),
      b.post('retrieve_future', { request_id: promise }),
      b.post('cancel_future', { request_id: promise }),
      b.post('weights_info', { tinker_path: path }),
      b.post('load_weights', { session_id: own.session, model_seq_id: 1, path, optimizer: false }),
      b.post('load_weights', { model_id: own.model, seq_id: 1, path, optimizer: false }),
      b.post('create_sampling_session', { session_id: own.session, sampling_session_seq_id: 0, model_path: path }),
      b.post('join_sampling_session', { sampling_session_id: samplerId }),
      b.call('GET', `samplers/${String(samplerId)}`),
      b.post('asample', { sampling_session_id: samplerId, seq_id: 0, prompt, sampling_params: {} }),
      b.call('GET', run),
      b.call('GET', `${run}/checkpoints`),
      b.call('DELETE', one),
      b.call('PUT', `${one}/ttl`, { ttl_seconds: 1 }),
      b.call('POST', `${one}/publish`),
      b.call('DELETE', `${one}/publish`),
    ]);
    expect(tries.map(({ status }) => status)).toEqual(tries.map(() => 404));
    const lists = await Promise.all(['checkpoints', 'training_runs', 'sessions'].map((list) => b.call('GET', list)));
    expect(lists.map(({ text }) => text.includes(session))).toEqual([false, false, false]);
    // Nothing of that disturbed the other.
    expect(await paths(a)).toEqual([path]);
    expect((await a.post('retrieve_future', { request_id: promise })).body).toHaveProperty('metrics');
    expect((await a.done('optim_step', optimStep(id, 3))).body).toHaveProperty('metrics');
    await server.close();
  });

  it('may read, not change, what another has published, while it is', async () => {
    const server = await serve([anna, bert]);
    const a = clientOf(server, anna);
    const b = clientOf(server, bert);
    const { model: id } = await model(a);
    const { session } = await model(b);
    const path = String((await a.done('save_weights', { model_id: id, seq_id: 1, path: 'shared' })).body.path);
    const one = `training_runs/${encodeURIComponent(id)}/checkpoints/weights/shared`;
    const load = { session_id: session, path, optimizer: true };
    expect((await a.call('POST', `${one}/publish`)).status).toBe(200);
    expect((await b.done('load_weights', { ...load, model_seq_id: 1 })).body).toMatchObject({ path });
    expect(await paths(b)).toEqual([]);
    const changes = [
      b.call('DELETE', one),
      b.call('PUT', `${one}/ttl`, { ttl_seconds: 1 }),
      b.call('DELETE', `${one}/publish`),
    ];
    expect((await Promise.all(changes)).map(({ status }) => status)).toEqual([403, 403, 403]);
    expect((await a.call('DELETE', `${one}/publish`)).status).toBe(200);
    expect((await b.post('load_weights', { ...load, model_seq_id: 2 })).status).toBe(404);
    await server.close();
  });

  it('find their own again after a restart; what was saved without a key is shown while there is one at most', async () => {
    const storage = memoryStorage();
    const save = async (keys: readonly string[], key: string | undefined): Promise<string> => {
      const server = await serve(keys, storage);
      const client = clientOf(server, key);
      const { model: id } = await model(client);
      const { body } = await client.done('save_weights', { model_id: id, seq_id: 1, path: 'x' });
      await server.close();
      return String(body.path);
    };
    const seen = async (keys: readonly string[], key: string | undefined): Promise<string[]> =>
      paths(clientOf(await serve(keys, storage), key));
    const unowned = await save([], undefined);
    const ofAnna = await save([anna, bert], anna);
    const ofBert = await save([anna, bert], bert);
    expect(await seen([anna, bert], anna)).toEqual([ofAnna]);
    expect(await seen([anna, bert], bert)).toEqual([ofBert]);
    expect((await seen([anna], anna)).sort()).toEqual([unowned, ofAnna].sort());
    expect((await seen([], undefined)).sort()).toEqual([unowned, ofAnna, ofBert].sort());
  });
});

describe('API keys', () => {
  it('are asked for, each as a whole, and can not be empty', async () => {
    const server = await serve([anna, bert]);
    const wrong = [undefined, '', anna.slice(1), `${anna}x`, `${anna}${bert}`, anna.toUpperCase()];
    for (const key of wrong) expect((await clientOf(server, key).call('GET', 'healthz')).status).toBe(401);
    for (const key of [anna, bert]) expect((await clientOf(server, key).call('GET', 'healthz')).status).toBe(200);
    for (const path of [
      'downloads/../checkpoints',
      'downloads/a/..%2f..',
      'downloads/a/%2e%2e/%2e%2e/sessions',
      'downloads/',
    ])
      expect((await clientOf(server, undefined).call('GET', path)).status).toBe(401);
    await server.close();
    expect((await clientOf(server, 'wrong').call('GET', 'healthz')).status).toBe(401);
    await expect(serve([''])).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('are in nothing that a session writes: log, answers, files', async () => {
    const storage = memoryStorage();
    const engine = new TestEngine();
    const written: string[] = [];
    const server = await createServer({
      engine,
      storage,
      apiKeys: [anna, bert],
      log: (level, line) => written.push(`${level} ${line}`),
    });
    const recorded: Server = {
      ...server,
      handle: (request) =>
        server.handle(request).pipe(tap(({ headers, body }) => written.push(JSON.stringify(headers), decode(body)))),
    };
    const client = clientOf(recorded, anna);
    const { post } = client;
    const { session, model: id } = await model(client);
    await client.done('save_weights', { model_id: id, seq_id: 1, path: 'x' });
    await client.done('save_weights_for_sampler', { model_id: id, seq_id: 2, path: 'y' });
    await post('forward_backward', { model_id: id, seq_id: 3, forward_backward_input: 1 });
    await client.call('GET', `nowhere`);
    engine.before = () => Promise.reject(new Error('it broke'));
    await client.done('optim_step', optimStep(id, 3));
    await clientOf(recorded, `${anna}?`).call('GET', 'healthz');
    await clientOf(recorded, bert).call('GET', 'checkpoints');
    // A client that writes a key where it does not belong.
    await post(`sessions/${session}/finish`, { reason: { type: 'errored' }, detail: `with ${anna}\nand ${bert}` });
    for (const file of await storage.list()) written.push(file, decode(await storage.read(file)));
    expect(written.length).toBeGreaterThan(30);
    expect(written.join()).toContain('it broke');
    expect(written.filter((text) => text.includes(anna) || text.includes(bert))).toEqual([]);
    expect(written.filter((text) => text.includes('its client finished it'))).toEqual([
      `info Session ${session} has ended: its client finished it (errored: with [key] and [key]).`,
    ]);
    await server.close();
  });
});
