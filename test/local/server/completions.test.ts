import { describe, expect, it } from 'vitest';
import { testServer, type Answer, type TestServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

interface Waiting {
  readonly server: TestServer;
  readonly session: string;
  readonly sampler: string;
  /** Sends a sample; gives its promise's id. */
  readonly sample: (seqId: number, params?: object) => Promise<string>;
  readonly poll: (request?: object, clone?: number) => Promise<Answer>;
}

async function waiting(): Promise<Waiting> {
  const server = await testServer();
  const { session } = await server.model();
  const created = await server.post('create_sampling_session', {
    session_id: session,
    sampling_session_seq_id: 0,
    base_model: 'test/bigram',
  });
  const sampler = String(created.body.sampling_session_id);
  return {
    server,
    session,
    sampler,
    sample: async (seqId, params = {}) => {
      const promise = await server.post('asample', {
        sampling_session_id: sampler,
        seq_id: seqId,
        prompt: { chunks: [{ type: 'encoded_text', tokens: [1] }] },
        sampling_params: { max_tokens: 1, ...params },
      });
      await settle();
      return String(promise.body.request_id);
    },
    poll: (request = {}, clone = 0) =>
      server.post('retrieve_futures', {
        target: { type: 'sampling_session', sampling_session_id: sampler, cloned_sampler_id: clone },
        ...request,
      }),
  };
}

const idsOf = ({ body }: Answer): unknown[] =>
  (body.completions as { request_id: string }[]).map(({ request_id: id }) => id);

describe('waiting for many samples by one poll', () => {
  it('tells what is done from a cursor on, in order, with the size of the result', async () => {
    const { server, sample, poll } = await waiting();
    const [first, second] = [await sample(0), await sample(1)];
    const both = await poll();
    expect(idsOf(both)).toEqual([first, second]);
    const result = await server.post('retrieve_future', { request_id: first });
    expect(result.body).toHaveProperty('sequences');
    const sizes = both.body.completions as { state: string; response_payload_uncompressed_size: number }[];
    for (const { state, response_payload_uncompressed_size: size } of sizes) {
      expect(state).toBe('finished');
      expect(size).toBeGreaterThan(8);
      expect(size).toBeLessThan(64);
    }
    const third = await sample(2);
    const rest = await poll({ prev_cursor: both.body.cursor, retrieved_request_ids: [first] });
    expect(idsOf(rest)).toEqual([third]);
    // What was acknowledged is forgotten; the rest is told again.
    expect(idsOf(await poll())).toEqual([third]);
  });

  it('holds a poll until a sample is done, tells that one failed, and answers in time where nothing comes', async () => {
    const { server, sample, poll } = await waiting();
    const held = poll();
    await settle();
    const failed = await sample(0, { stop: 'text' });
    const { body } = await held;
    expect(body.completions).toEqual([{ state: 'failed', request_id: failed }]);
    const empty = poll({ prev_cursor: body.cursor });
    await server.clock.advance(40_000);
    expect((await empty).body).toEqual({ completions: [], cursor: body.cursor });
    const acknowledgement = poll({ prev_cursor: body.cursor, timeout: 0 });
    await server.clock.advance(0);
    expect((await acknowledgement).body.completions).toEqual([]);
  });

  it('keeps the samples of clones apart', async () => {
    const { sample, poll } = await waiting();
    const [own, clone] = [await sample(5), await sample(3_000_000_005)];
    expect(idsOf(await poll())).toEqual([own]);
    expect(idsOf(await poll({}, 3))).toEqual([clone]);
  });

  it('serves what was done before the session ended, and knows no other sampling session', async () => {
    const { server, session, sample, poll } = await waiting();
    const done = await sample(0);
    await server.post(`sessions/${session}/finish`, { reason: { type: 'success' } });
    expect(idsOf(await poll())).toEqual([done]);
    const target = { type: 'sampling_session', sampling_session_id: 'none' };
    expect((await server.post('retrieve_futures', { target })).status).toBe(404);
    expect((await server.post('retrieve_futures', { target, prev_cursor: -1 })).status).toBe(422);
  });

  it('starts over for a cursor that it never gave', async () => {
    const { sample, poll } = await waiting();
    const done = await sample(0);
    expect(idsOf(await poll({ prev_cursor: 77 }))).toEqual([done]);
  });
});
