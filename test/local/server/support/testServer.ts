import { lastValueFrom } from 'rxjs';
import { createServer, type ServerOptions } from '../../../../src/local/server/createServer.js';
import { seededRandom } from '../../../../src/local/server/seededRandom.js';
import type { Server } from '../../../../src/local/server/server.js';
import { TestEngine } from './testEngine.js';
import { settle, VirtualClock } from './virtualClock.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

/** A server over the test engine under virtual time, with short ways to call it. */
export interface TestServer {
  readonly server: Server;
  readonly engine: TestEngine;
  readonly clock: VirtualClock;
  /** Lines of the log, e.g. `warn: …`. */
  readonly lines: string[];
  readonly post: (path: string, body: unknown) => Promise<Answer>;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** Polls a promise until it has an outcome, at once or after the engine's work. */
  readonly result: (promise: Answer) => Promise<Record<string, unknown>>;
  /** Opens a session and creates a model; gives both ids. */
  readonly model: (options?: Record<string, unknown>) => Promise<{ session: string; model: string }>;
}

export async function testServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const engine = new TestEngine();
  const clock = new VirtualClock();
  const lines: string[] = [];
  const server = await createServer({
    engine,
    clock,
    random: seededRandom(1),
    log: (level, message) => lines.push(`${level}: ${message}`),
    readFile: (path) => Promise.resolve(new TextEncoder().encode(JSON.stringify({ path }))),
    ...options,
  });
  const call = (method: string, path: string, body?: unknown): Promise<Answer> => request(server, method, path, body);
  const post = (path: string, body: unknown): Promise<Answer> => call('POST', path, body);
  return {
    server,
    engine,
    clock,
    lines,
    call,
    post,
    result: async (promise) => {
      if (promise.status !== 200) throw new Error(`No promise: ${JSON.stringify(promise.body)}`);
      const polled = post('retrieve_future', { request_id: promise.body.request_id });
      await settle();
      return (await polled).body;
    },
    model: async (extra = {}) => {
      const session = String((await post('create_session', { tags: [], type: 'create_session' })).body.session_id);
      const created = await post('create_model', {
        session_id: session,
        model_seq_id: 0,
        base_model: 'test/bigram',
        lora_config: { rank: 4, seed: 7 },
        ...extra,
      });
      await settle();
      return { session, model: String(created.body.model_id) };
    },
  };
}

/** Sends one request to a server without a socket. */
export async function request(server: Server, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await lastValueFrom(
    server.handle({
      method,
      path: `/api/v1/${path}`,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: encode(body) }),
    }),
  );
  const text = new TextDecoder().decode(response.body);
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as Record<string, unknown> };
}

function encode(body: unknown): Uint8Array {
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The body of a forward_backward call on a few tokens, each to be followed by the next. */
export function forwardBackward(model: string, seqId: number, tokens: readonly number[] = [1, 2, 3]): unknown {
  return {
    model_id: model,
    seq_id: seqId,
    forward_backward_input: { data: [datum(tokens)], loss_fn: 'cross_entropy' },
  };
}

/** A datum that asks for the next token at each position. */
export function datum(tokens: readonly number[]): unknown {
  return {
    model_input: { chunks: [{ type: 'encoded_text', tokens: tokens.slice(0, -1) }] },
    loss_fn_inputs: {
      target_tokens: { data: tokens.slice(1), dtype: 'int64', shape: [tokens.length - 1] },
      weights: { data: tokens.slice(1).map(() => 1), dtype: 'float32', shape: [tokens.length - 1] },
    },
  };
}

/** The body of an optim_step call. */
export function optimStep(model: string, seqId: number, learningRate = 1): unknown {
  return { model_id: model, seq_id: seqId, adam_params: { learning_rate: learningRate } };
}
