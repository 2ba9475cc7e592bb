import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/local/engine/engine.js';
import { createWorkerEngine } from '../../../src/local/engine/workerEngine.js';
import { createServer } from '../../../src/local/server/createServer.js';
import { listen, type Listening } from '../../../src/local/server/http.js';
import { memoryStorage } from '../../../src/local/server/memoryStorage.js';
import type { Server } from '../../../src/local/server/server.js';
import { tinyTokenizerFile } from '../../../src/local/models/index.js';
import { loadTokenizer } from '../../../src/tokenizer/index.js';
import { datum } from './support/testServer.js';

type Body = Record<string, unknown>;

let engine: Engine;
let server: Server;
let listening: Listening;

beforeAll(async () => {
  engine = await createWorkerEngine({ threads: 1 });
  server = await createServer({ engine, storage: memoryStorage() });
  listening = await listen(server);
});

afterAll(async () => {
  await server.close();
  await listening.close();
  await engine.close();
});

async function call(path: string, body?: unknown): Promise<Body> {
  const response = await fetch(`${listening.url}/api/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Body;
  if (!response.ok) throw new Error(`${path}: ${response.status} ${String(answer.detail)}`);
  return answer;
}

/** Sends a call and waits for its result. */
async function done(path: string, body: unknown): Promise<Body> {
  const { request_id: id } = await call(path, body);
  const result = await call('retrieve_future', { request_id: id });
  if ('error' in result) throw new Error(`${path}: ${String(result.error)}`);
  return result;
}

let modelCount = 0;

async function createModel(session: unknown): Promise<string> {
  const { model_id: id } = await done('create_model', {
    session_id: session,
    model_seq_id: modelCount++,
    base_model: engine.baseModels[0]?.name,
    lora_config: { rank: 8, seed: 1 },
  });
  return String(id);
}

async function openSession(): Promise<unknown> {
  modelCount = 0;
  return (await call('create_session', { tags: [] })).session_id;
}

const tokens = Array.from({ length: 24 }, (_, index) => (index * 37 + 11) % 97);

async function step(model: string, seqId: number): Promise<Body> {
  const loss = call('forward_backward', {
    model_id: model,
    seq_id: seqId,
    forward_backward_input: { data: [datum(tokens)], loss_fn: 'cross_entropy' },
  });
  const { request_id: id } = await loss;
  const optim = await call('optim_step', { model_id: model, seq_id: seqId + 1, adam_params: { learning_rate: 1e-2 } });
  const result = await call('retrieve_future', { request_id: id });
  await call('retrieve_future', { request_id: optim.request_id });
  return result;
}

const lossOf = (result: Body): number => Number((result.metrics as Record<string, number>)['loss:sum']);

const params = { max_tokens: 12, temperature: 1, seed: 3, stop: [] };

/** Draws from the base model after a short prompt. */
async function baseSampler(): Promise<(options: object) => Promise<Body>> {
  const { sampling_session_id: sampler } = await call('create_sampling_session', {
    session_id: await openSession(),
    sampling_session_seq_id: 0,
    base_model: engine.baseModels[0]?.name,
  });
  let seqId = 0;
  return (options) =>
    done('asample', {
      sampling_session_id: sampler,
      seq_id: seqId++,
      prompt: { chunks: [{ type: 'encoded_text', tokens: [5, 6, 7] }] },
      sampling_params: params,
      ...options,
    });
}

describe('the server on the real engine', () => {
  it('learns a sequence by heart, and a resumed run continues bit for bit', async () => {
    const session = await openSession();
    const model = await createModel(session);
    const losses: number[] = [];
    for (let index = 0; index < 10; index += 1) losses.push(lossOf(await step(model, 1 + 2 * index)));
    expect(losses.at(-1)).toBeLessThan(Number(losses[0]) / 2);
    const { path } = await done('save_weights', { model_id: model, seq_id: 21, path: 'ten' });
    const rest = [await step(model, 22), await step(model, 24)];
    const { model_id: resumed } = await done('load_weights', {
      session_id: session,
      model_seq_id: modelCount++,
      path,
      optimizer: true,
    });
    expect([await step(String(resumed), 1), await step(String(resumed), 3)]).toEqual(rest);
    const { model_id: fresh } = await done('load_weights', {
      session_id: session,
      model_seq_id: modelCount++,
      path,
      optimizer: false,
    });
    const withoutOptimizer = [await step(String(fresh), 1), await step(String(fresh), 3)];
    expect(withoutOptimizer[0]).toEqual(rest[0]);
    expect(withoutOptimizer[1]).not.toEqual(rest[1]);
  });

  it('tells of a prompt and its samples what is asked for', async () => {
    const sample = await baseSampler();
    const first = { data: [6, -1, 1, 7], dtype: 'int64', shape: [2, 2] };
    const told = await sample({
      prompt_logprobs: true,
      prompt_logprobs_last_n: 1,
      topk_prompt_logprobs: 2,
      topk_sample_logprobs: 3,
      target_prompt_logprobs: first,
      prompt_alt_tokens_k: 4,
    });
    const [, , last] = told.prompt_logprobs as number[];
    expect(told.topk_prompt_logprobs).toMatchObject([null, null, { length: 2 }]);
    expect(told.target_prompt_logprobs).toMatchObject({ dtype: 'float32', shape: [2, 2] });
    expect((told.target_prompt_logprobs as { data: number[] }).data).toMatchObject({ 1: 0, 3: last });
    const draws = { tokens: { dtype: 'int64', shape: [2, 4] }, logprobs: { dtype: 'float32', shape: [2, 4] } };
    expect(told.prompt_alt_tokens).toMatchObject(draws);
    expect(told.sequences).toMatchObject([{ topk_sampled_logprobs: { length: 12 } }]);
    const layout = { shape: [2, 3], sparse_crow_indices: [0, 1, 2], sparse_col_indices: [2, 0] };
    const sparse = await sample({ target_prompt_logprobs: { ...layout, data: [6, 7], dtype: 'int64' } });
    expect(sparse.target_prompt_logprobs).toMatchObject({ ...layout, data: { length: 2, 1: last } });
    for (const wrong of [
      { ...first, shape: [1, 4] },
      { ...first, dtype: 'float32' },
      { ...first, data: [6, 1, 2] },
      { ...layout, data: [6, 7], dtype: 'int64', sparse_col_indices: [2, 3] },
      { ...layout, data: [6, 7], dtype: 'int64', sparse_crow_indices: [0, 2, 1] },
      { ...first, data: [6, 1, 2, 1024] },
    ]) {
      await expect(sample({ target_prompt_logprobs: wrong })).rejects.toThrow(/asample: 400 .*(Expected|tokens)/);
    }
  });

  it('ends samples with the token that completes a text', async () => {
    const sample = await baseSampler();
    const textOf = async ({ sequences }: Body): Promise<string> => {
      const { tokens: drawn = [] } = (sequences as { tokens: number[] }[])[0] ?? {};
      return (await firstValueFrom(loadTokenizer(tinyTokenizerFile))).decode(drawn);
    };
    const whole = await textOf(await sample({}));
    // What is cut out of a character decodes as U+FFFD, which would not be found again.
    const [stop = ''] = /[ -~]{2}/.exec(whole.slice(3)) ?? [];
    const cut = await sample({ sampling_params: { ...params, stop: ['not there', stop] } });
    expect(cut.sequences).toMatchObject([{ stop_reason: 'stop' }]);
    const text = await textOf(cut);
    expect(whole.startsWith(text)).toBe(true);
    expect(text.indexOf(stop)).toBeGreaterThan(text.length - stop.length - 8);
    await expect(sample({ sampling_params: { ...params, stop: '' } })).rejects.toThrow('sampling_params.stop');
  });

  it('samples what it learned, with the logprobs of training', async () => {
    const session = await openSession();
    const model = await createModel(session);
    for (let index = 0; index < 25; index += 1) await step(model, 1 + 2 * index);
    const { sampling_session_id: sampler } = await done('save_weights_for_sampler', {
      model_id: model,
      seq_id: 51,
      sampling_session_seq_id: 0,
    });
    const sample = (prompt: number[], maxTokens: number): Promise<Body> =>
      done('asample', {
        sampling_session_id: sampler,
        seq_id: prompt.length,
        prompt: { chunks: [{ type: 'encoded_text', tokens: prompt }] },
        sampling_params: { max_tokens: maxTokens, temperature: 0, stop: [] },
        prompt_logprobs: true,
      });
    const drawn = await sample(tokens.slice(0, 4), 20);
    expect(drawn.sequences).toMatchObject([{ tokens: tokens.slice(4), stop_reason: 'length' }]);
    const forward = await done('forward', {
      model_id: model,
      seq_id: 52,
      forward_input: { data: [datum(tokens)], loss_fn: 'cross_entropy' },
    });
    const [{ logprobs } = { logprobs: { data: [] } }] = forward.loss_fn_outputs as { logprobs: { data: number[] } }[];
    const [none, ...prompt] = (await sample(tokens, 1)).prompt_logprobs as (number | null)[];
    expect(none).toBeNull();
    expect(prompt).toHaveLength(logprobs.data.length);
    for (const [index, value] of prompt.entries()) {
      expect(Math.abs(Number(value) - Number(logprobs.data[index]))).toBeLessThan(1e-4);
    }
  });

  it('answers others while it computes', async () => {
    const session = await openSession();
    const model = await createModel(session);
    const length = Math.min(engine.baseModels[0]?.maxContextLength ?? 0, 128);
    const long = Array.from({ length }, (_, index) => index % 90);
    const { request_id: id } = await call('forward_backward', {
      model_id: model,
      seq_id: 1,
      forward_backward_input: { data: Array.from({ length: 64 }, () => datum(long)), loss_fn: 'cross_entropy' },
    });
    const state = { computing: true, beats: 0, slowest: 0 };
    const result = call('retrieve_future', { request_id: id }).then((answer) => {
      state.computing = false;
      return answer;
    });
    while (state.computing) {
      const started = performance.now();
      await call('session_heartbeat', { session_id: session });
      state.slowest = Math.max(state.slowest, performance.now() - started);
      state.beats += 1;
    }
    expect(await result).toHaveProperty('metrics');
    expect(state.beats).toBeGreaterThan(10);
    expect(state.slowest).toBeLessThan(500);
  });

  it('refuses data that can not be executed before anything runs', async () => {
    const model = await createModel(await openSession());
    const vocabulary = Number(engine.baseModels[0]?.vocabularySize);
    const wrong = { data: [datum([1, 2, vocabulary])], loss_fn: 'cross_entropy' };
    await expect(
      call('forward_backward', { model_id: model, seq_id: 1, forward_backward_input: wrong }),
    ).rejects.toThrow(/400 .*target_tokens/);
    expect(lossOf(await step(model, 1))).toBeGreaterThan(0);
  });

  it('serves the tokenizer of its model', async () => {
    const tokenizer = await call(`tokenizers/${String(engine.baseModels[0]?.name)}/tokenizer.json`);
    expect(tokenizer).toHaveProperty('model.vocab');
  });
});
