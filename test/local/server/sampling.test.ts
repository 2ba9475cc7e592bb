import { describe, expect, it } from 'vitest';
import { forwardBackward, optimStep, testServer, type Answer, type TestServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

function sample(sampler: unknown, seqId: number, extra: object = {}): Record<string, unknown> {
  return {
    sampling_session_id: sampler,
    seq_id: seqId,
    num_samples: 1,
    prompt: { chunks: [{ type: 'encoded_text', tokens: [1] }] },
    sampling_params: { max_tokens: 2, temperature: 0 },
    type: 'sample',
    ...extra,
  };
}

/** Trains 1 → 2 → 3 by one step and gives the next seq_id. */
async function train({ post, result }: TestServer, model: string, seqId = 1): Promise<number> {
  await post('forward_backward', forwardBackward(model, seqId));
  await result(await post('optim_step', optimStep(model, seqId + 1)));
  return seqId + 2;
}

async function samplerOf({ post }: TestServer, session: string, source: object, seqId = 0): Promise<Answer> {
  return post('create_sampling_session', { session_id: session, sampling_session_seq_id: seqId, ...source });
}

describe('sampling', () => {
  it('draws from a base model, with ids for the sequences and logprobs of the prompt', async () => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const body = sample(id, 0, {
      num_samples: 2,
      prompt: {
        chunks: [
          { type: 'encoded_text', tokens: [1, 2] },
          { type: 'encoded_text', tokens: [3] },
        ],
      },
      prompt_logprobs: true,
      sampling_params: { max_tokens: 2, stop: [] },
    });
    const promise = await server.post('asample', body);
    expect(promise.body.sample_sequence_ids).toHaveLength(2);
    const uniform = Math.fround(-Math.log(8));
    expect(await server.result(promise)).toEqual({
      sequences: [1, 2].map(() => ({ tokens: [0, 0], logprobs: [uniform, uniform], stop_reason: 'length' })),
      prompt_logprobs: [null, uniform, uniform],
      prompt_cache_hit_tokens: 0,
      type: 'sample',
    });
    expect((await server.post('asample', body)).body).toEqual(promise.body);
    expect((await server.post('asample', sample(id, 0))).status).toBe(409);
    const lastOne = await server.post('asample', { ...body, seq_id: 1, prompt_logprobs_last_n: 1 });
    expect((await server.result(lastOne)).prompt_logprobs).toEqual([null, null, uniform]);
  });

  it('ends at the end-of-sequence token unless stop says otherwise', async () => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const stopped = await server.result(await server.post('asample', sample(id, 0)));
    expect(stopped.sequences).toMatchObject([{ tokens: [0], stop_reason: 'stop' }]);
  });

  it('draws from saved weights of either kind, and tells what a sampler is', async () => {
    const server = await testServer();
    const { post, result, call } = server;
    const { session, model } = await server.model();
    const next = await train(server, model);
    const named = await result(
      await post('save_weights_for_sampler', { model_id: model, seq_id: next, path: 's', kind: 'snapshot' }),
    );
    expect(named).toEqual({ path: `tinker://${model}/sampler_weights/s`, type: 'save_weights_for_sampler' });
    const state = await result(await post('save_weights', { model_id: model, seq_id: next + 1, path: 't' }));
    for (const [index, path] of [named.path, state.path].entries()) {
      const created = await samplerOf(server, session, { model_path: path }, index);
      const id = String(created.body.sampling_session_id);
      expect((await call('GET', `samplers/${id}`)).body).toEqual({
        sampler_id: id,
        base_model: 'test/bigram',
        model_path: path,
      });
      expect((await samplerOf(server, session, { model_path: path }, index)).body).toEqual(created.body);
      const drawn = await result(await post('asample', sample(id, 0)));
      expect(drawn.sequences).toMatchObject([{ tokens: [2, 3] }]);
    }
    expect((await samplerOf(server, session, { base_model: 'test/bigram' }, 0)).status).toBe(409);
    expect((await post('save_weights_for_sampler', { model_id: model, seq_id: next + 2, path: 's' })).status).toBe(409);
    const unnamed = await result(await post('save_weights_for_sampler', { model_id: model, seq_id: next + 3 }));
    expect(unnamed.path).toBe(`tinker://${model}/sampler_weights/seq-${next + 3}`);
  });

  it('keeps an unnamed snapshot as it was when training goes on', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { model } = await server.model();
    const save = (seqId: number, samplerSeqId: number, kind: string): unknown => ({
      model_id: model,
      seq_id: seqId,
      sampling_session_seq_id: samplerSeqId,
      kind,
    });
    const early = await result(await post('save_weights_for_sampler', save(1, 0, 'snapshot')));
    const next = await train(server, model, 2);
    const late = await result(await post('save_weights_for_sampler', save(next, 1, 'snapshot')));
    expect(early).toMatchObject({ sampling_session_id: expect.stringMatching(/^sampling-/) as string });
    expect((await result(await post('asample', sample(early.sampling_session_id, 0)))).sequences).toMatchObject([
      { tokens: [0] },
    ]);
    expect((await result(await post('asample', sample(late.sampling_session_id, 0)))).sequences).toMatchObject([
      { tokens: [2, 3] },
    ]);
    expect(engine.samplers.size).toBe(2);
  });

  it('moves all inflight samplers of a model to its newest weights', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { model } = await server.model();
    const save = (seqId: number): unknown => ({
      model_id: model,
      seq_id: seqId,
      sampling_session_seq_id: seqId,
      kind: 'inflight',
    });
    const early = await result(await post('save_weights_for_sampler', save(1)));
    const next = await train(server, model, 2);
    await result(await post('save_weights_for_sampler', save(next)));
    expect((await result(await post('asample', sample(early.sampling_session_id, 0)))).sequences).toMatchObject([
      { tokens: [2, 3] },
    ]);
    await settle();
    expect(engine.samplers.size).toBe(1);
  });

  it('keeps only the newest samplers that have no checkpoint', async () => {
    const server = await testServer({ limits: { ephemeralSamplers: 2 } });
    const { post, result, engine } = server;
    const { model } = await server.model();
    const ids: unknown[] = [];
    for (const seqId of [1, 2, 3]) {
      const saved = await post('save_weights_for_sampler', {
        model_id: model,
        seq_id: seqId,
        sampling_session_seq_id: seqId,
      });
      ids.push((await result(saved)).sampling_session_id);
    }
    await settle();
    expect(engine.samplers.size).toBe(2);
    const dropped = await post('asample', sample(ids[0], 0));
    expect(dropped.status).toBe(404);
    expect(dropped.body.detail).toContain('2 without a checkpoint are kept');
    expect((await post('asample', sample(ids[2], 0))).status).toBe(200);
  });

  it('closes samplers with their session, after the samples that were accepted', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const promise = await post('asample', sample(id, 0));
    await post(`sessions/${session}/finish`, { reason: { type: 'success' }, detail: null });
    expect(await result(promise)).toHaveProperty('sequences');
    await settle();
    expect(engine.samplers.size).toBe(0);
    expect((await post('asample', sample(id, 1))).status).toBe(404);
  });

  it('cancels a sample that has not begun', async () => {
    const server = await testServer({ limits: { concurrentSamples: 1 } });
    const { post, result, engine } = server;
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    engine.log.length = 0;
    const promises = [await post('asample', sample(id, 0)), await post('asample', sample(id, 1))];
    for (const { body } of promises) await post('cancel_future', { request_id: body.request_id });
    await settle();
    const [first, second] = await Promise.all(promises.map(result));
    expect(first).toHaveProperty('sequences');
    expect(second).toMatchObject({ category: 'user', error: expect.stringContaining('cancelled') as string });
    expect(engine.log.filter((line) => line === 'sample')).toHaveLength(1);
  });

  it('counts the clients that join', async () => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    for (const count of [1, 2]) {
      expect((await server.post('join_sampling_session', { sampling_session_id: id })).body).toEqual({
        client_counter: count,
      });
    }
  });

  it('tells each sample that its weights could not be had', async () => {
    const server = await testServer();
    const { post, result, engine } = server;
    const { session } = await server.model();
    engine.before = (what) => (what === 'createSampler' ? Promise.reject(new Error('No memory.')) : Promise.resolve());
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    expect(await result(await post('asample', sample(id, 0)))).toEqual({ error: 'No memory.', category: 'server' });
  });

  it.each([
    ['no prompt', { prompt: { chunks: [] } }, 'at least one token'],
    ['a token outside the vocabulary', { prompt: { chunks: [{ type: 'encoded_text', tokens: [8] }] } }, 'below 8'],
    ['no samples', { num_samples: 0 }, 'num_samples'],
    ['too many samples', { num_samples: 5000 }, 'at most 1024'],
    ['max_tokens 0', { sampling_params: { max_tokens: 0 } }, 'max_tokens'],
    ['a negative temperature', { sampling_params: { temperature: -1 } }, 'temperature'],
    ['top_k 0', { sampling_params: { top_k: 0 } }, 'top_k'],
    ['top_p 0', { sampling_params: { top_p: 0 } }, 'top_p'],
    ['mixed stops', { sampling_params: { stop: [1, 'a'] } }, 'stop'],
    ['an empty text as stop', { sampling_params: { stop: '' } }, 'stop'],
    ['targets for other positions', { target_prompt_logprobs: { data: [1], dtype: 'int64' } }, '[0, k]'],
    ['what is not offered', { record_stability_info: true }, 'record_stability_info'],
    ['a suffix without prompt logprobs', { prompt_logprobs_last_n: 1 }, 'prompt_logprobs_last_n'],
  ])('refuses %s', async (_, extra, expected) => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const refused = await server.post('asample', sample(id, 0, extra));
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.body.detail).toContain(expected);
    expect((await server.post('asample', sample(id, 0))).status).toBe(200);
  });

  it('tells the seq_ids of clones apart that a number holds no longer', async () => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const text = (seqId: string): string => JSON.stringify(sample(id, 0)).replace('"seq_id":0', `"seq_id": ${seqId}`);
    const first = await server.post('asample', text('987654321000000000'));
    const next = await server.post('asample', text('987654321000000001'));
    expect(first.status).toBe(200);
    expect(next.status).toBe(200);
    expect(next.body.request_id).not.toBe(first.body.request_id);
    expect((await server.post('asample', text('987654321000000001'))).body).toEqual(next.body);
    expect((await server.post('asample', text('-1'))).status).toBe(422);
  });

  it('fails a sample that ends at text where the tokenizer does not tell what tokens add', async () => {
    const server = await testServer();
    const { session } = await server.model();
    const { sampling_session_id: id } = (await samplerOf(server, session, { base_model: 'test/bigram' })).body;
    const failed = await server.result(await server.post('asample', sample(id, 0, { sampling_params: { stop: 'a' } })));
    expect(failed).toEqual({ error: expect.stringContaining('token ids') as unknown, category: 'user' });
  });

  it('refuses a sampling session of nothing, of no such model or of no such path', async () => {
    const server = await testServer();
    const { session } = await server.model();
    expect((await samplerOf(server, session, {})).status).toBe(400);
    expect((await samplerOf(server, session, { base_model: 'no/such' })).status).toBe(400);
    expect((await samplerOf(server, session, { model_path: 'tinker://x/weights/y' })).status).toBe(404);
    expect((await samplerOf(server, session, { model_path: 'x' })).status).toBe(400);
    expect((await server.post('asample', sample('nope', 0))).status).toBe(404);
  });
});
