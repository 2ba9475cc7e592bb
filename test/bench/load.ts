/**
 * Load on the embedded server's core: pollers that wait while samples are drawn, over two models of very different
 * demand, one of which asks for few samples. Prints the peak of memory and how long each waits; fails where the memory
 * grows beyond its bound or the small demand waits for the large one.
 * Usage: npm run bench:load [-- <samples> <pollers>], by default 5000 samples and 3000 pollers.
 */
import { firstValueFrom } from 'rxjs';
import { createWorkerEngine } from '../../src/local/engine/workerEngine.js';
import { createServer } from '../../src/local/server/createServer.js';

const samples = Number(process.argv[2] ?? 5000);
const pollers = Number(process.argv[3] ?? 3000);
const memoryBound = 700;

const server = await createServer({ engine: await createWorkerEngine(), limits: { pollHoldMs: 2000 } });

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const request = {
    method: 'POST',
    path: `/api/v1/${path}`,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
  const answer = await firstValueFrom(server.handle(request));
  return JSON.parse(new TextDecoder().decode(answer.body)) as Record<string, unknown>;
}

/** Polls until there is an outcome. */
async function outcome(id: unknown): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await post('retrieve_future', { request_id: id });
    if (answer.type !== 'try_again') return answer;
  }
}

let peak = 0;
let started = 0;
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50);

const sampler = async (seq: number): Promise<unknown> => {
  const open = { session_id: session, sampling_session_seq_id: seq, base_model: 'rxtinker/tiny' };
  return (await post('create_sampling_session', open)).sampling_session_id;
};
const draw = async (id: unknown, seq: number): Promise<number> => {
  const { request_id: promise, detail } = await post('asample', {
    sampling_session_id: id,
    seq_id: seq,
    prompt: { chunks: [{ type: 'encoded_text', tokens: [1, 2, 3, 4] }] },
    sampling_params: { max_tokens: 8, seed: seq },
  });
  if (promise === undefined) throw new Error(String(detail));
  const { sequences, error } = await outcome(promise);
  if (!Array.isArray(sequences)) throw new Error(String(error));
  return performance.now() - started;
};

const { session_id: session } = await post('create_session', {});
const [busy, quiet] = [await sampler(0), await sampler(1)];
// A call whose earlier one never comes keeps its pollers waiting.
const create = { session_id: session, model_seq_id: 0, base_model: 'rxtinker/tiny', lora_config: { rank: 4 } };
const { model_id: model } = await post('create_model', create);
const { request_id: waiting } = await post('optim_step', { model_id: model, seq_id: 2, adam_params: {} });
const before = process.memoryUsage().rss / 2 ** 20;

started = performance.now();
const held = Array.from({ length: pollers }, () => post('retrieve_future', { request_id: waiting }));
const many = Array.from({ length: samples }, (_, seq) => draw(busy, seq));
const few = await Promise.all(Array.from({ length: 20 }, (_, seq) => draw(quiet, seq)));
const beats = performance.now();
await post('session_heartbeat', { session_id: session });
const heartbeat = performance.now() - beats;
const all = await Promise.all(many);
await Promise.all(held);
clearInterval(watch);

const seconds = (times: readonly number[]): string => (Math.max(...times) / 1000).toFixed(2);
const peakMegabytes = peak / 2 ** 20;
console.log(`${samples} samples of 8 tokens with ${pollers} pollers held: ${seconds(all)} s`);
console.log(
  `20 samples of another sampling session meanwhile: ${seconds(few)} s; a heartbeat ${heartbeat.toFixed(0)} ms`,
);
console.log(`memory before ${before.toFixed(0)} MB, peak ${peakMegabytes.toFixed(0)} MB`);
await server.close();
if (peakMegabytes > memoryBound)
  throw new Error(`Expected at most ${memoryBound} MB, got ${peakMegabytes.toFixed(0)}.`);
if (Math.max(...few) > Math.max(...all) / 2) throw new Error('Expected the few samples not to wait for the many.');
