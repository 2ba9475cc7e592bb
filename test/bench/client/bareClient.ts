/** Runs one task by the least code that the wire needs, on undici: no checks, no retries, no reading of results. */
import type { Pool } from 'undici';
import { bareWriter } from './bareWriter.js';
import { type RunOrder, startMeasuring, tokensOf } from './measure.js';
import type { Task } from './works.js';

const { url, task, flags } = JSON.parse(process.argv[2] ?? '') as RunOrder<Task>;
const stopStart = task.kind === 'start' ? startMeasuring() : undefined;
const { Pool: MadePool } = await import('undici');
const options = { headersTimeout: 0, bodyTimeout: 0 };
const sends = new MadePool(url, { ...options, connections: 64 });
const polls = new MadePool(url, options);
const json = { 'content-type': 'application/json', 'x-api-key': 'tml-bench' };
const protobuf = { ...json, 'content-type': 'application/x-protobuf' };
const packed = { ...protobuf, 'content-encoding': 'zstd' };

function post(
  pool: Pool,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pool.dispatch(
      { method: 'POST', path: `/api/v1/${path}`, headers, body },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: (_, chunk) => chunks.push(chunk),
        onResponseEnd: () => {
          const [first] = chunks;
          resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
        },
        onResponseError: (_, error) => {
          reject(error);
        },
      },
    );
  });
}

async function promise(path: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array) {
  const answer = await post(sends, path, headers, body);
  return (JSON.parse(answer.toString()) as { request_id: string }).request_id;
}

const poll = (id: string): Promise<Buffer> =>
  post(polls, 'retrieve_future', json, `{"request_id":"${id}","allow_metadata_only":true}`);

let seqId = 0;
const step = (): Promise<string> => {
  seqId += 1;
  const adam = '{"learning_rate":0.0001,"beta1":0.9,"beta2":0.95,"eps":1e-12,"weight_decay":0,"grad_clip_norm":0}';
  return promise(
    'optim_step',
    json,
    `{"model_id":"session:train:0","seq_id":${seqId},"type":"optim_step","adam_params":${adam}}`,
  );
};

async function train({ steps, datums, tokens, from, mode }: Task & { kind: 'train' }): Promise<void> {
  const typed = tokensOf(datums, tokens).map((array) => ({ tokens: array, weights: new Float32Array(tokens).fill(1) }));
  const numbers = typed.map((datum) => ({ tokens: Array.from(datum.tokens), weights: Array.from(datum.weights) }));
  const encode = bareWriter(datums, tokens);
  const zstd = flags.proto_compress_fwdbwd === true ? await import('@bokuweb/zstd-wasm') : undefined;
  await zstd?.init();
  const pass = (): Promise<string> => {
    seqId += 1;
    const body = encode(from === 'typed' ? typed : numbers, seqId);
    return zstd === undefined
      ? promise('forward_backward', protobuf, body)
      : promise('forward_backward', packed, zstd.compress(body));
  };
  await Promise.all([poll(await pass()), poll(await step())]);
  const stop = startMeasuring();
  const all: Promise<unknown>[] = [];
  for (let index = 0; index < steps; index += 1) {
    const first = poll(await pass());
    if (mode === 'awaited') await first;
    const second = poll(await step());
    if (mode === 'pipelined') all.push(first, second);
    else await Promise.all([first, second]);
  }
  await Promise.all(all);
  stop();
}

async function sample({ requests, prompt }: Task & { kind: 'sample' }): Promise<void> {
  const prompts = tokensOf(requests, prompt);
  const params = '{"max_tokens":64,"temperature":0.7,"top_k":-1,"top_p":1}';
  const waiting = new Map<string, () => void>();
  let finished = new Set<string>();
  const submit = (tokens: Int32Array, index: number): Promise<string> =>
    promise(
      'asample',
      json,
      `{"sampling_session_id":"sampler","seq_id":${index},"num_samples":1,"prompt":{"chunks":[{"type":"encoded_text",` +
        `"tokens":[${tokens.join(',')}]}]},"sampling_params":${params},"prompt_logprobs":false,"type":"sample"}`,
    );
  const [firstPrompt] = prompts;
  if (firstPrompt !== undefined) await poll(await submit(firstPrompt, requests));
  const stop = startMeasuring();
  // With the first one, which nobody waits for any more.
  let left = requests + 1;
  const pollAll = async (): Promise<void> => {
    let cursor = 0;
    while (left > 0) {
      const target = '{"type":"sampling_session","sampling_session_id":"sampler","cloned_sampler_id":0}';
      const body = `{"target":${target},"prev_cursor":${cursor},"retrieved_request_ids":[]}`;
      const answer = JSON.parse((await post(polls, 'retrieve_futures', json, body)).toString()) as {
        completions: { request_id: string }[];
        cursor: number;
      };
      cursor = answer.cursor;
      left -= answer.completions.length;
      for (const { request_id: id } of answer.completions) {
        finished.add(id);
        waiting.get(id)?.();
      }
    }
  };
  const isFinished = (id: string): Promise<void> =>
    finished.has(id) ? Promise.resolve() : new Promise((resolve) => waiting.set(id, resolve));
  const all = prompts.map(async (tokens, index) => {
    const id = await submit(tokens, index);
    if (flags.sample_use_retrieve_futures === true) await isFinished(id);
    await poll(id);
  });
  if (flags.sample_use_retrieve_futures === true) all.push(pollAll());
  await Promise.all(all);
  stop();
  finished = new Set();
}

async function customLoss({ steps, datums, tokens }: Task & { kind: 'customLoss' }): Promise<void> {
  const data = tokensOf(datums, tokens).map((array) => ({ tokens: array, weights: new Float32Array(tokens) }));
  const encode = bareWriter(datums, tokens);
  const once = async (): Promise<void> => {
    const forward = await poll(await promise('forward_backward', protobuf, encode(data, (seqId += 1))));
    // The logprobs are the largest part of the answer; where exactly they begin makes no difference to the work.
    const logprobs = new Float32Array(
      forward.buffer.slice(forward.byteOffset, forward.byteOffset + 4 * datums * tokens),
    );
    data.forEach(({ weights }, datum) => {
      for (let at = 0; at < tokens; at += 1) weights[at] = Math.exp(logprobs[datum * tokens + at] ?? 0);
    });
    await poll(await promise('forward_backward', protobuf, encode(data, (seqId += 1))));
  };
  await once();
  const stop = startMeasuring();
  for (let index = 0; index < steps; index += 1) await once();
  stop();
}

async function start(): Promise<void> {
  await post(sends, 'client/config', json, '{"sdk_version":"0"}');
  await post(sends, 'create_session', json, '{"tags":[],"user_metadata":{},"sdk_version":"0","type":"create_session"}');
  await poll(
    await promise('create_model', json, '{"session_id":"session","base_model":"bench/model","type":"create_model"}'),
  );
  const encode = bareWriter(1, 16);
  const data = tokensOf(1, 16).map((tokens) => ({ tokens, weights: new Float32Array(16).fill(1) }));
  const first = poll(await promise('forward_backward', protobuf, encode(data, (seqId += 1))));
  await Promise.all([first, poll(await step())]);
  stopStart?.();
}

if (task.kind === 'train') await train(task);
else if (task.kind === 'sample') await sample(task);
else if (task.kind === 'customLoss') await customLoss(task);
else if (task.kind === 'start') await start();
process.exit(0);
