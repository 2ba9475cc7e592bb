import { setTimeout } from 'node:timers/promises';
import { lastValueFrom, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../../src/local/server/createServer.js';
import type { Server } from '../../../src/local/server/server.js';
import { seededRandom } from '../../../operators/seededRandom.js';
import { encodeForwardBackward } from '../../../src/wire/codec.js';
import { ModelInput } from '../../../src/wire/modelInput.js';
import { TensorData } from '../../../src/wire/tensorData.js';
import { mutateRequest, type PlainRequest } from './support/mutateRequest.js';
import { TestEngine } from './support/testEngine.js';
import { datum, forwardBackward, optimStep, request } from './support/testServer.js';

const runs = Number(process.env.RXTINKER_HANDLE_FUZZ_RUNS ?? 10_000);
const seed = Number(process.env.RXTINKER_HANDLE_FUZZ_SEED ?? 6);
/** Requests against the same session and model. */
const turns = 200;
/** After which a call no longer waits for a seq_id that a mutation took away. */
const gapMs = 10;

/** Valid requests of every kind against a session, a model, a checkpoint and a sampler that are there. */
async function validRequests(server: Server): Promise<readonly ((seqId: number) => PlainRequest)[]> {
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    (await request(server, 'POST', path, body)).body;
  const { session_id: session } = await post('create_session', {});
  const create = { session_id: session, model_seq_id: 0, base_model: 'test/bigram', lora_config: { rank: 4, seed: 1 } };
  const { model_id: model, request_id: promise } = await post('create_model', create);
  if (typeof model !== 'string') throw new Error('Expected a model to send requests to.');
  const id = model;
  await post('retrieve_future', { request_id: promise });
  const { request_id: saved } = await post('save_weights', { model_id: id, seq_id: 1, path: 'x' });
  const { path } = await post('retrieve_future', { request_id: saved });
  const open = { session_id: session, sampling_session_seq_id: 0, model_path: path };
  const { sampling_session_id: sampler } = await post('create_sampling_session', open);
  const run = `training_runs/${encodeURIComponent(id)}`;
  const protobuf = (seqId: number): PlainRequest => {
    const { contentType, body } = encodeForwardBackward(
      {
        modelId: id,
        seqId,
        data: [
          {
            modelInput: ModelInput.fromTokens([1, 2, 3]),
            lossFnInputs: { target_tokens: new TensorData(Int32Array.of(2, 3, 4)) },
          },
        ],
        loss: 'cross_entropy',
        lossConfig: {},
        forwardOnly: false,
      },
      'protobuf',
    );
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    return { method: 'POST', path: 'forward_backward', bytes, contentType };
  };
  const posts = (name: string, body: (seqId: number) => unknown) => (seqId: number) => ({
    method: 'POST',
    path: name,
    body: body(seqId),
  });
  const gets =
    (name: string, method = 'GET') =>
    (): PlainRequest => ({ method, path: name });
  const prompt = { chunks: [{ type: 'encoded_text', tokens: [1, 2] }] };
  const sampling = { max_tokens: 2, temperature: 1, top_k: -1, top_p: 1, seed: 1, stop: ['a'] };
  const targets = { data: [2], dtype: 'int64', shape: [1, 1] };
  return [
    posts('client/config', () => ({ sdk_version: '1' })),
    posts('telemetry', () => ({ events: [{ name: 'x' }] })),
    posts('create_session', () => ({ tags: ['a'], user_metadata: { a: { b: 1 } }, display_name: 'x' })),
    posts('session_heartbeat', () => ({ session_id: session })),
    posts('create_model', (seqId) => ({ ...create, model_seq_id: seqId, user_metadata: { a: [1] } })),
    posts('get_info', () => ({ model_id: id })),
    posts('forward_backward', (seqId) => forwardBackward(id, seqId)),
    protobuf,
    posts('forward', (seqId) => ({
      model_id: id,
      seq_id: seqId,
      forward_input: { data: [datum([1, 2, 3])], loss_fn: 'cross_entropy', loss_fn_config: { a: 1 } },
    })),
    posts('optim_step', (seqId) => optimStep(id, seqId)),
    posts('save_weights', (seqId) => ({
      model_id: id,
      seq_id: seqId,
      path: `s${seqId}`,
      overwrite: true,
      ttl_seconds: 100,
      user_metadata: { note: { of: ['me'] } },
    })),
    posts('save_weights_for_sampler', (seqId) => ({ model_id: id, seq_id: seqId, sampling_session_seq_id: seqId })),
    posts('load_weights', (seqId) => ({ model_id: id, seq_id: seqId, path, optimizer: true })),
    posts('load_weights', (seqId) => ({ session_id: session, model_seq_id: seqId, path, optimizer: true })),
    posts('weights_info', () => ({ tinker_path: path })),
    posts('create_sampling_session', (seqId) => ({ ...open, sampling_session_seq_id: seqId })),
    posts('join_sampling_session', () => ({ sampling_session_id: sampler })),
    posts('asample', (seqId) => ({
      sampling_session_id: sampler,
      seq_id: seqId,
      num_samples: 2,
      prompt,
      sampling_params: sampling,
      prompt_logprobs: true,
      target_prompt_logprobs: targets,
    })),
    posts('retrieve_future', () => ({ request_id: promise, allow_metadata_only: true })),
    posts('cancel_future', () => ({ request_id: promise })),
    posts('unload_model', () => ({ model_id: 'none' })),
    posts('sessions/none/finish', () => ({ reason: { type: 'errored' }, detail: 'x' })),
    gets(`sessions/${String(session)}`),
    gets('sessions?limit=2&offset=1'),
    gets(`samplers/${String(sampler)}`),
    gets('tokenizers/test/bigram/tokenizer.json'),
    gets('checkpoints?limit=3'),
    gets(run),
    gets(`${run}/checkpoints`),
    gets(`${run}/checkpoints/weights/none/publish`, 'POST'),
    gets(`${run}/checkpoints/weights/none`, 'DELETE'),
    () => ({ method: 'PUT', path: `${run}/checkpoints/weights/x/ttl`, body: { ttl_seconds: 1000 } }),
  ];
}

/** So that what piles up is not what is refused. */
async function endSessions(server: Server): Promise<void> {
  const { body } = await request(server, 'GET', 'sessions?limit=1000');
  for (const id of body.sessions as string[])
    await request(server, 'POST', `sessions/${id}/finish`, { reason: { type: 'success' } });
  // A model goes once no call of it waits any more.
  await setTimeout(gapMs + 1);
}

describe('mutated requests', () => {
  it(
    `are answered, and 4xx come with a message (seed ${seed}, ${runs} runs)`,
    { timeout: 60 + runs * 20 },
    async () => {
      const lines: string[] = [];
      const server = await createServer({
        engine: new TestEngine(),
        log: (level, line) => lines.push(`${level} ${line}`),
        readFile: () => Promise.resolve(new TextEncoder().encode('{"model":{"vocab":{"a":0}}}')),
        limits: { pollHoldMs: 2, gapMs, bodyBytes: 1_000_000 },
      });
      const random = seededRandom(seed);
      const statuses = new Map<number, number>();
      let valid: readonly ((seqId: number) => PlainRequest)[] = [];
      for (let run = 0; run < runs; run += 1) {
        if (run % turns === 0) {
          await endSessions(server);
          valid = await validRequests(server);
        }
        const plain = valid[Math.floor(random() * valid.length)];
        if (plain === undefined) throw new Error('Expected requests.');
        const sent = mutateRequest(plain((run % turns) + 2), random);
        const { status, body, headers } = await lastValueFrom(server.handle(sent).pipe(timeout(5000)));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const text = new TextDecoder().decode(body);
        const told = status === 200 ? text : String((JSON.parse(text) as { detail: unknown }).detail);
        const isAnswer = headers['content-length'] === String(body.byteLength);
        const isRefusal = status >= 400 && status < 500 && told.length > 0 && told.length < 3000;
        if (isAnswer && (status === 200 || isRefusal)) continue;
        const start = new TextDecoder().decode(sent.body?.subarray(0, 300));
        throw new Error(
          `seed ${seed}, run ${run}: ${status} ${told} to ${sent.method} ${sent.path.slice(0, 200)} ${start}`,
        );
      }
      expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      // Both happen a lot: what is still right, and what is refused for several reasons.
      for (const status of [200, 400, 404, 422]) expect(statuses.get(status)).toBeGreaterThan(runs / 100);
      // It still trains.
      await endSessions(server);
      const [, , , , , , pass] = await validRequests(server);
      const { body } = await request(server, 'POST', 'forward_backward', pass?.(2).body);
      const { body: output } = await request(server, 'POST', 'retrieve_future', { request_id: body.request_id });
      expect(output).toHaveProperty('metrics');
      await server.close();
    },
  );
});
