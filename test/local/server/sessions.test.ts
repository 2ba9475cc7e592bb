import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { forwardBackward, optimStep, testServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

describe('sessions and models', () => {
  it('tells its flags, capabilities and health', async () => {
    const { post, call } = await testServer();
    expect((await post('client/config', { sdk_version: '0.38.0' })).body).toMatchObject({
      pjwt_auth_enabled: false,
      fwdbwd_max_chunk_len: 128,
      fwdbwd_max_chunk_bytes_count: 5_000_000,
    });
    expect((await post('client/dynamic_config', {})).body).toMatchObject({ refresh_interval_sec: 300 });
    expect((await call('GET', 'healthz')).body).toEqual({ status: 'ok' });
    expect((await call('GET', 'get_server_capabilities')).body).toEqual({
      supported_models: ['test/bigram', 'test/other'].map((name) => ({
        model_name: name,
        max_context_length: 16,
        trainable: true,
        sampleable: true,
      })),
    });
    expect((await post('telemetry', { events: [{ any: 'thing' }], platform: 'linux' })).body).toEqual({
      status: 'accepted',
    });
  });

  it('names a model by its session and number, and repeats a repeated creation', async () => {
    const { post, result, engine } = await testServer();
    const session = (await post('create_session', { tags: [] })).body.session_id as string;
    const body = { session_id: session, model_seq_id: 3, base_model: 'test/bigram', lora_config: { rank: 4 } };
    const first = await post('create_model', body);
    const again = await post('create_model', body);
    expect(again.body).toEqual(first.body);
    expect(await result(first)).toEqual({ model_id: `${session}:train:3`, type: 'create_model' });
    expect(engine.log).toEqual([`createModel ${session}:train:3`]);
    const other = await post('create_model', { ...body, base_model: 'test/other' });
    expect(other.status).toBe(409);
  });

  it('describes a model and serves its tokenizer', async () => {
    const { post, call, model: create } = await testServer();
    const { model } = await create();
    const info = await post('get_info', { model_id: model, type: 'get_info' });
    expect(info.body).toMatchObject({
      model_id: model,
      model_data: { arch: 'bigram', model_name: 'test/bigram', tokenizer_id: 'test/bigram' },
      is_lora: true,
      lora_rank: 4,
    });
    const { tokenizer_url: url } = info.body.model_data as { tokenizer_url: string };
    expect((await call('GET', url.replace('/api/v1/', ''))).body).toEqual({ path: '/tokenizers/test/bigram.json' });
    expect((await call('GET', 'tokenizers/no%2Fsuch/tokenizer.json')).status).toBe(400);
  });

  it('refuses a creation that can not be, naming what was expected', async () => {
    const { post } = await testServer();
    const session = (await post('create_session', { tags: [] })).body.session_id as string;
    const good = { session_id: session, model_seq_id: 0, base_model: 'test/bigram', lora_config: { rank: 4 } };
    const cases: [object, number, string][] = [
      [{ ...good, base_model: 'no/such' }, 400, 'test/bigram, test/other'],
      [{ ...good, session_id: 'nope' }, 404, 'No session nope'],
      [{ ...good, lora_config: { rank: 0 } }, 422, 'lora_config.rank'],
      [{ ...good, lora_config: { rank: 1.5 } }, 422, 'lora_config.rank'],
      [
        { ...good, lora_config: { rank: 4, train_attn: false, train_mlp: false, train_unembed: false } },
        422,
        'at least one',
      ],
      [{ ...good, optimizer_config: { type: 'dimuon' } }, 422, 'adamw'],
      [{ ...good, typo: 1 }, 422, 'typo'],
    ];
    for (const [body, status, text] of cases) {
      const refused = await post('create_model', body);
      expect([refused.status, refused.body.detail]).toEqual([status, expect.stringContaining(text)]);
    }
    expect((await post('create_model', good)).status).toBe(200);
  });

  it('fails the creation when the engine can not, and names the cause to later callers', async () => {
    const { post, result, engine } = await testServer();
    engine.before = (what) =>
      what.startsWith('createModel') ? Promise.reject(new Error('No memory.')) : Promise.resolve();
    const session = (await post('create_session', { tags: [] })).body.session_id as string;
    const created = await post('create_model', { session_id: session, model_seq_id: 0, base_model: 'test/bigram' });
    const call = await post('optim_step', optimStep(`${session}:train:0`, 1));
    expect(await result(created)).toEqual({ error: 'No memory.', category: 'server' });
    expect(await result(call)).toMatchObject({ error: 'No memory.' });
    const later = await post('optim_step', optimStep(`${session}:train:0`, 2));
    expect(later.status).toBe(404);
    expect(later.body.detail).toContain('No memory.');
  });

  it('unloads a model after all that it accepted, and takes no new work', async () => {
    const { post, result, engine, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    const second = await post('optim_step', optimStep(model, 2));
    const unload = await post('unload_model', { model_id: model, type: 'unload_model' });
    expect((await post('unload_model', { model_id: model, type: 'unload_model' })).body).toEqual(unload.body);
    expect((await post('optim_step', optimStep(model, 3))).status).toBe(409);
    await post('forward_backward', forwardBackward(model, 1));
    expect(await result(second)).toHaveProperty('metrics');
    expect(await result(unload)).toEqual({ model_id: model, type: 'unload_model' });
    expect(engine.log).toEqual(['forwardBackward', 'optimStep', 'unloadModel'].map((name) => `${name} ${model}`));
    expect((await post('unload_model', { model_id: model, type: 'unload_model' })).body).toEqual(unload.body);
    const later = await post('optim_step', optimStep(model, 3));
    expect(later.status).toBe(404);
    expect(later.body.detail).toContain('was unloaded');
  });

  it('ends a session after 300 s of silence, with its models', async () => {
    const { post, result, clock, engine, lines, model: create } = await testServer();
    const { session, model } = await create();
    const waiting = await post('optim_step', optimStep(model, 2));
    await clock.advance(200_000);
    expect((await post('session_heartbeat', { session_id: session })).status).toBe(200);
    await clock.advance(299_999);
    expect(engine.models.has(model)).toBe(true);
    await clock.advance(1);
    expect(engine.models.has(model)).toBe(false);
    expect((await post('session_heartbeat', { session_id: session })).status).toBe(410);
    const call = await post('optim_step', optimStep(model, 1));
    expect(call.status).toBe(404);
    expect(call.body.detail).toContain('silent for 300 s');
    expect(await result(waiting)).toMatchObject({ category: 'user' });
    expect(lines.some((line) => line.includes(session))).toBe(true);
  });

  it('fails what a dead session still had queued, but finishes what runs', async () => {
    const { post, result, clock, engine, model: create } = await testServer();
    const { model } = await create();
    let release = (): void => undefined;
    engine.before = (what) =>
      what.startsWith('optim') ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    const running = await post('optim_step', optimStep(model, 1));
    const queued = await post('forward_backward', forwardBackward(model, 2));
    await clock.advance(300_000);
    release();
    await settle();
    expect(await result(running)).toHaveProperty('metrics');
    expect(await result(queued)).toMatchObject({ category: 'user' });
    expect(engine.log.at(-1)).toBe(`unloadModel ${model}`);
  });

  it('takes any call of a session as a sign of life', async () => {
    const { post, clock, engine, model: create } = await testServer();
    const { model } = await create();
    for (let seqId = 1; seqId <= 5; seqId += 1) {
      await clock.advance(200_000);
      expect((await post('forward_backward', forwardBackward(model, seqId))).status).toBe(200);
    }
    expect(engine.models.has(model)).toBe(true);
  });

  it('finishes a session: accepted work runs, then its models go; heartbeats get 410', async () => {
    const { post, result, call, engine, model: create } = await testServer();
    const { session, model } = await create();
    const step = await post('optim_step', optimStep(model, 1));
    const finish = { reason: { type: 'success' }, detail: null };
    expect((await post(`sessions/${session}/finish`, finish)).status).toBe(200);
    expect((await post(`sessions/${session}/finish`, finish)).status).toBe(200);
    expect(await result(step)).toHaveProperty('metrics');
    expect(engine.models.size).toBe(0);
    expect((await post('session_heartbeat', { session_id: session })).status).toBe(410);
    expect((await post('session_heartbeat', { session_id: 'nope' })).status).toBe(404);
    expect((await call('GET', 'sessions')).body).toEqual({ sessions: [] });
  });

  it('lists sessions and what they hold', async () => {
    const { call, model: create } = await testServer();
    const { session, model } = await create();
    expect((await call('GET', 'sessions?limit=20&offset=0&access_scope=owned')).body).toEqual({ sessions: [session] });
    expect((await call('GET', `sessions/${session}`)).body).toMatchObject({
      training_run_ids: [model],
      sampler_ids: [],
    });
    expect((await call('GET', 'sessions?limit=x')).status).toBe(422);
  });

  it('answers held polls with 503 when it closes, after what runs', async () => {
    const { server, post, engine, model: create } = await testServer();
    const { model } = await create();
    let release = (): void => undefined;
    engine.before = (what) =>
      what.startsWith('optim') ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    const promise = await post('optim_step', optimStep(model, 1));
    const poll = post('retrieve_future', { request_id: promise.body.request_id });
    await settle();
    let closed = false;
    const closing = server.close().then(() => (closed = true));
    expect((await poll).status).toBe(503);
    expect((await post('client/config', {})).status).toBe(503);
    await settle();
    expect(closed).toBe(false);
    release();
    await closing;
    expect(engine.log.slice(-2)).toEqual([`optimStep ${model}`, `unloadModel ${model}`]);
  });

  it('does not wait for ever for an engine that hangs', async () => {
    const { server, post, clock, engine, model: create } = await testServer();
    const { model } = await create();
    engine.before = () => new Promise(() => undefined);
    await post('optim_step', optimStep(model, 1));
    let closed = false;
    const closing = server.close().then(() => (closed = true));
    await clock.advance(9_999);
    expect(closed).toBe(false);
    await clock.advance(1);
    await closing;
  });

  it('refuses what is no request of the protocol', async () => {
    const { call, post, server } = await testServer();
    expect((await call('GET', 'nope')).status).toBe(404);
    expect((await call('GET', 'create_session')).status).toBe(405);
    expect((await post('create_session', '{nope')).status).toBe(400);
    expect((await post('create_session', '[]')).status).toBe(422);
    const wrongType = await lastValueFrom(
      server.handle({ method: 'POST', path: '/api/v1/create_session', headers: { 'content-type': 'text/plain' } }),
    );
    expect(wrongType.status).toBe(415);
    expect((await call('GET', '../../etc/passwd')).status).toBe(404);
    expect((await call('GET', 'sessions/%ff')).status).toBe(400);
  });

  it('asks for its key where it has one', async () => {
    const { server } = await testServer({ apiKey: 'tml-secret' });
    const status = async (key?: string): Promise<number> => {
      const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key };
      return (await lastValueFrom(server.handle({ method: 'GET', path: '/api/v1/healthz', headers }))).status;
    };
    expect(await status('tml-secret')).toBe(200);
    for (const key of [undefined, '', 'tml-secre', 'tml-secret2', 'tml-secretx']) expect(await status(key)).toBe(401);
  });
});
