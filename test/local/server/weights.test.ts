import { describe, expect, it } from 'vitest';
import { memoryStorage } from '../../../src/local/server/memoryStorage.js';
import { forwardBackward, optimStep, testServer, type TestServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

/** Trains two steps, so that weights and optimizer differ from new ones; the next seq_id is 5. */
async function train({ post, result }: TestServer, model: string): Promise<void> {
  for (const seqId of [1, 3]) {
    await post('forward_backward', forwardBackward(model, seqId));
    await result(await post('optim_step', optimStep(model, seqId + 1)));
  }
}

function save(model: string, seqId: number, path: string, extra: object = {}): unknown {
  return { model_id: model, seq_id: seqId, path, overwrite: false, type: 'save_weights', ...extra };
}

describe('checkpoints', () => {
  it('saves a state and loads it with and without its optimizer', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { model } = await server.model();
    await train(server, model);
    const logits = engine.models.get(model)?.logits.slice();
    const path = `tinker://${model}/weights/two`;
    expect(await result(await post('save_weights', save(model, 5, 'two')))).toEqual({ path, type: 'save_weights' });
    await post('forward_backward', forwardBackward(model, 6));
    await post('optim_step', optimStep(model, 7));
    const load = { model_id: model, path, type: 'load_weights' };
    expect(await result(await post('load_weights', { ...load, seq_id: 8, optimizer: true }))).toMatchObject({ path });
    expect(engine.models.get(model)).toMatchObject({ logits, steps: 2 });
    await result(await post('load_weights', { ...load, seq_id: 9, optimizer: false }));
    expect(engine.models.get(model)).toMatchObject({ logits, steps: 0 });
  });

  it('creates a model from a checkpoint, whose next seq_id is 1, once per number', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { session, model } = await server.model();
    await train(server, model);
    const path = `tinker://${model}/weights/two`;
    await result(await post('save_weights', save(model, 5, 'two')));
    const body = { session_id: session, model_seq_id: 1, path, optimizer: true, type: 'load_weights' };
    const created = await post('load_weights', body);
    expect((await post('load_weights', body)).body).toEqual(created.body);
    expect(await result(created)).toEqual({ path, model_id: `${session}:train:1`, type: 'load_weights' });
    expect(engine.models.get(`${session}:train:1`)).toMatchObject({
      logits: engine.models.get(model)?.logits,
      steps: 2,
      lora: { rank: 4, seed: 7 },
    });
    expect(await result(await post('optim_step', optimStep(`${session}:train:1`, 1)))).toHaveProperty('metrics');
    expect((await post('load_weights', { ...body, optimizer: false })).status).toBe(409);
  });

  it('loads what an earlier call of the same model will have saved', async () => {
    const server = await testServer();
    const { post, result } = server;
    const { model } = await server.model();
    const path = `tinker://${model}/weights/soon`;
    const load = await post('load_weights', { model_id: model, seq_id: 2, path, optimizer: true });
    expect(load.status).toBe(404);
    await post('save_weights', save(model, 1, 'soon'));
    expect(
      await result(await post('load_weights', { model_id: model, seq_id: 2, path, optimizer: true })),
    ).toHaveProperty('path');
  });

  it('refuses a taken name unless it may be overwritten', async () => {
    const server = await testServer();
    const { post, result } = server;
    const { model } = await server.model();
    const first = await post('save_weights', save(model, 1, 'same'));
    // The first one need not be finished.
    const taken = await post('save_weights', save(model, 2, 'same'));
    expect(taken.status).toBe(409);
    expect(taken.body.detail).toContain('already exists');
    expect(taken.headers['x-should-retry']).toBe('false');
    await result(first);
    expect((await post('save_weights', save(model, 2, 'same'))).status).toBe(409);
    await post('forward_backward', forwardBackward(model, 2));
    await post('optim_step', optimStep(model, 3));
    const path = `tinker://${model}/weights/same`;
    expect(await result(await post('save_weights', save(model, 4, 'same', { overwrite: true })))).toMatchObject({
      path,
    });
    const loaded = await result(await post('load_weights', { model_id: model, seq_id: 5, path, optimizer: true }));
    expect(loaded).toMatchObject({ path });
    expect(server.engine.models.get(model)?.steps).toBe(1);
    expect(await result(await post('save_weights', save(model, 1, 'same')))).toMatchObject({ path });
  });

  it('frees the name of a save that never ran', async () => {
    const { post, result, clock, model: create } = await testServer();
    const { model } = await create();
    const waiting = await post('save_weights', save(model, 2, 'x'));
    const sampler = { model_id: model, sampling_session_seq_id: 0 };
    await post('save_weights_for_sampler', { ...sampler, seq_id: 3 });
    await clock.advance(120_000);
    expect(await result(waiting)).toMatchObject({ category: 'user' });
    expect(await result(await post('save_weights', save(model, 4, 'x')))).toHaveProperty('path');
    expect((await post('save_weights_for_sampler', { ...sampler, seq_id: 5 })).status).toBe(200);
    expect((await post('save_weights_for_sampler', { ...sampler, seq_id: 6 })).status).toBe(409);
  });

  it('names a checkpoint by its seq_id where no name is given', async () => {
    const server = await testServer();
    const { model } = await server.model();
    const saved = await server.result(await server.post('save_weights', { model_id: model, seq_id: 1 }));
    expect(saved.path).toBe(`tinker://${model}/weights/seq-1`);
  });

  it.each(['../up', '/etc/passwd', 'a/b', '.', '..', '.hidden', '', 'nul\0', 'ä', 'x'.repeat(81), 'a b', 'a\\b'])(
    'refuses the name %j',
    async (name) => {
      const server = await testServer();
      const { model } = await server.model();
      const refused = await server.post('save_weights', save(model, 1, name));
      expect(refused.status).toBe(400);
      expect(refused.body.detail).toContain('checkpoint name');
    },
  );

  it('warns of a gradient that is not saved', async () => {
    const server = await testServer();
    const { post, result, lines } = server;
    const { model } = await server.model();
    await post('forward_backward', forwardBackward(model, 1));
    const warned = await result(await post('save_weights', save(model, 2, 'a')));
    expect(warned.warning).toContain('gradient');
    expect(lines.some((line) => line.startsWith('warn: The gradient'))).toBe(true);
    await post('optim_step', optimStep(model, 3));
    expect(await result(await post('save_weights', save(model, 4, 'b')))).not.toHaveProperty('warning');
  });

  it('expires a checkpoint when its time is up, says so, and frees its name', async () => {
    const storage = memoryStorage();
    const server = await testServer({ storage, limits: { sessionSilenceMs: 1e9 } });
    const { post, result, clock, call } = server;
    const { model } = await server.model();
    await result(await post('save_weights', save(model, 1, 'brief', { ttl_seconds: 3600 })));
    const path = `tinker://${model}/weights/brief`;
    await clock.advance(3_599_000);
    expect((await post('weights_info', { tinker_path: path })).status).toBe(200);
    await clock.advance(1_000);
    const expired = await post('weights_info', { tinker_path: path });
    expect(expired.status).toBe(404);
    expect(expired.body.detail).toContain('expired at 2026-01-01T01:00:00.000Z');
    expect((await call('GET', 'checkpoints')).body.checkpoints).toEqual([]);
    await settle();
    expect(await storage.list()).toEqual([]);
    expect((await post('save_weights', save(model, 2, 'brief'))).status).toBe(200);
  });

  it('refuses to load what does not fit, saying why', async () => {
    const server = await testServer();
    const { post, result } = server;
    const { session, model } = await server.model();
    await result(await post('save_weights', save(model, 1, 'state')));
    await result(await post('save_weights_for_sampler', { model_id: model, seq_id: 2, path: 'sampler' }));
    const path = `tinker://${model}/weights/state`;
    const create = async (seqId: number, options: object): Promise<string> => {
      const body = {
        session_id: session,
        model_seq_id: seqId,
        base_model: 'test/bigram',
        lora_config: { rank: 4 },
        ...options,
      };
      await result(await post('create_model', body));
      return `${session}:train:${seqId}`;
    };
    const other = await create(1, { base_model: 'test/other' });
    const rank = await create(2, { lora_config: { rank: 8 } });
    const cases: [string, string, number, string][] = [
      [other, path, 400, 'is of base model test/bigram, this model of test/other'],
      [rank, path, 400, 'rank 4'],
      [model, `tinker://${model}/sampler_weights/sampler`, 400, 'sampling only'],
      [model, '/etc/passwd', 400, 'Expected a path tinker://'],
      [model, 'tinker://a/weights/b/c', 400, 'Expected a path tinker://'],
      [model, `tinker://${model}/weights/nope`, 404, 'does not exist'],
    ];
    for (const [id, from, status, text] of cases) {
      const seqId = id === model ? 3 : 1;
      const refused = await post('load_weights', { model_id: id, seq_id: seqId, path: from, optimizer: true });
      expect([refused.status, refused.body.detail]).toEqual([status, expect.stringContaining(text)]);
    }
    const wrongBase = { session_id: session, model_seq_id: 9, path, optimizer: true, base_model: 'test/other' };
    expect((await post('load_weights', wrongBase)).status).toBe(400);
  });

  it('outlives the server in its storage', async () => {
    const storage = memoryStorage();
    const before = await testServer({ storage });
    const { model } = await before.model();
    await train(before, model);
    await before.result(await before.post('save_weights', save(model, 5, 'kept', { user_metadata: { note: 1 } })));
    await before.result(await before.post('save_weights', save(model, 6, 'gone', { ttl_seconds: 60 })));
    const after = await testServer({ storage });
    await after.clock.advance(60_000);
    const path = `tinker://${model}/weights/kept`;
    expect((await after.post('weights_info', { tinker_path: path })).body).toEqual({
      base_model: 'test/bigram',
      is_lora: true,
      lora_rank: 4,
      train_unembed: true,
      train_mlp: true,
      train_attn: true,
      optimizer_config: { type: 'adamw' },
    });
    expect((await after.post('forward_backward', forwardBackward(model, 7))).status).toBe(404);
    expect((await after.call('GET', `training_runs/${model}/checkpoints`)).body.checkpoints).toMatchObject([
      { checkpoint_id: 'weights/kept', checkpoint_type: 'training', tinker_path: path, user_metadata: { note: 1 } },
    ]);
    const { session_id: session } = (await after.post('create_session', { tags: [] })).body;
    const created = await after.post('load_weights', { session_id: session, model_seq_id: 0, path, optimizer: true });
    const { model_id: id } = await after.result(created);
    expect(after.engine.models.get(String(id))).toMatchObject({
      logits: before.engine.models.get(model)?.logits,
      steps: 2,
    });
  });

  it('leaves out a manifest that can not be read, and says so', async () => {
    const storage = memoryStorage();
    await storage.write('checkpoints/run/weights/x/manifest.json', new TextEncoder().encode('{'));
    const { call, lines } = await testServer({ storage });
    expect((await call('GET', 'checkpoints')).body.checkpoints).toEqual([]);
    expect(lines[0]).toContain('checkpoints/run/weights/x/manifest.json');
  });

  it('fails the save when the storage does, and keeps what was there', async () => {
    const storage = memoryStorage();
    const server = await testServer({ storage });
    const { post, result } = server;
    const { model } = await server.model();
    await result(await post('save_weights', save(model, 1, 'x')));
    const write = storage.write.bind(storage);
    storage.write = (path, bytes) =>
      path.endsWith('manifest.json') ? Promise.reject(new Error('Disk full.')) : write(path, bytes);
    const failed = await result(await post('save_weights', save(model, 2, 'x', { overwrite: true })));
    expect(failed).toEqual({ error: 'Disk full.', category: 'server' });
    const path = `tinker://${model}/weights/x`;
    expect(
      await result(await post('load_weights', { model_id: model, seq_id: 3, path, optimizer: true })),
    ).toMatchObject({ path });
  });

  it('lists, dates, shares and removes checkpoints and runs', async () => {
    const server = await testServer();
    const { post, result, call, clock } = server;
    const { model } = await server.model({ user_metadata: { who: 'me' } });
    await result(await post('save_weights', save(model, 1, 'a')));
    await clock.advance(1000);
    await result(await post('save_weights_for_sampler', { model_id: model, seq_id: 2, path: 'b' }));
    const listed = await call('GET', 'checkpoints?limit=1&offset=1');
    expect(listed.body).toMatchObject({
      checkpoints: [{ checkpoint_id: 'weights/a', public: false, time: '2026-01-01T00:00:00.000Z' }],
      cursor: { offset: 1, limit: 1, total_count: 2 },
    });
    expect((await call('GET', `training_runs/${model}`)).body).toMatchObject({
      training_run_id: model,
      base_model: 'test/bigram',
      is_lora: true,
      corrupted: false,
      lora_rank: 4,
      user_metadata: { who: 'me' },
      last_checkpoint: { checkpoint_id: 'weights/a' },
      last_sampler_checkpoint: { checkpoint_id: 'sampler_weights/b', checkpoint_type: 'sampler' },
    });
    expect((await call('GET', 'training_runs')).body).toMatchObject({ cursor: { total_count: 1 } });
    const one = `training_runs/${model}/checkpoints/weights/a`;
    expect((await call('POST', `${one}/publish`)).status).toBe(200);
    expect((await call('PUT', `${one}/ttl`, { ttl_seconds: 7200 })).status).toBe(200);
    expect((await call('GET', `training_runs/${model}/checkpoints`)).body.checkpoints).toMatchObject([
      { public: true, expires_at: '2026-01-01T02:00:01.000Z' },
      {},
    ]);
    await call('DELETE', `${one}/publish`);
    await call('PUT', `${one}/ttl`, { ttl_seconds: null });
    const [first] = (await call('GET', `training_runs/${model}/checkpoints`)).body.checkpoints as object[];
    expect(first).toMatchObject({ public: false });
    expect(first).not.toHaveProperty('expires_at');
    expect((await call('DELETE', one)).status).toBe(200);
    expect((await call('DELETE', one)).status).toBe(404);
    expect((await call('DELETE', `training_runs/${model}/checkpoints/other/a`)).status).toBe(400);
    expect((await call('GET', 'training_runs/nope/checkpoints')).status).toBe(404);
  });
});
