import { describe, expect, it } from 'vitest';
import { forwardBackward, optimStep, testServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

describe('polling', () => {
  it('holds a poll for 40 s, then says try_again', async () => {
    const { post, engine, clock, model: create } = await testServer();
    const { model } = await create();
    engine.before = () => new Promise(() => undefined);
    const promise = await post('optim_step', optimStep(model, 1));
    let answered = false;
    const poll = post('retrieve_future', { request_id: promise.body.request_id }).then((answer) => {
      answered = true;
      return answer;
    });
    await clock.advance(39_999);
    expect(answered).toBe(false);
    await clock.advance(1);
    expect((await poll).body).toEqual({
      type: 'try_again',
      request_id: promise.body.request_id,
      queue_state: 'active',
    });
  });

  it('tells which seq_id a call waits for', async () => {
    const { post, clock, model: create } = await testServer();
    const { model } = await create();
    const promise = await post('optim_step', optimStep(model, 2));
    const poll = post('retrieve_future', { request_id: promise.body.request_id });
    await clock.advance(40_000);
    expect((await poll).body).toMatchObject({ type: 'try_again', queue_state_reason: 'seq_id 1 has not arrived' });
  });

  it('answers a held poll at once when the result is there, and all who poll', async () => {
    const { post, model: create } = await testServer();
    const { model } = await create();
    const promise = await post('forward_backward', forwardBackward(model, 1));
    const polls = [1, 2].map(() => post('retrieve_future', { request_id: promise.body.request_id }));
    const [first, second] = await Promise.all(polls);
    expect(first?.body).toMatchObject({ loss_fn_output_type: 'ArrayRecord' });
    expect(second?.body).toEqual(first?.body);
  });

  it('lets go of its timer when the client hangs up', async () => {
    const { post, server, engine, clock, model: create } = await testServer();
    const { model } = await create();
    engine.before = () => new Promise(() => undefined);
    const promise = await post('optim_step', optimStep(model, 1));
    const before = clock.scheduler.actions.length;
    const poll = server
      .handle({
        method: 'POST',
        path: '/api/v1/retrieve_future',
        headers: { 'content-type': 'application/json' },
        body: new TextEncoder().encode(JSON.stringify({ request_id: promise.body.request_id })),
      })
      .subscribe();
    expect(clock.scheduler.actions).toHaveLength(before + 1);
    poll.unsubscribe();
    const live = clock.scheduler.actions.filter((action) => !action.closed);
    expect(live).toHaveLength(before);
  });

  it('keeps a result for five minutes after it was read, then answers 410', async () => {
    const { post, result, clock, model: create } = await testServer();
    const { session, model } = await create();
    const promise = await post('forward_backward', forwardBackward(model, 1));
    const first = await result(promise);
    await clock.advance(299_000);
    await post('session_heartbeat', { session_id: session });
    expect(await result(promise)).toEqual(first);
    await clock.advance(2_000);
    await result(await post('optim_step', optimStep(model, 2)));
    const gone = await post('retrieve_future', { request_id: promise.body.request_id });
    expect(gone.status).toBe(410);
    expect(gone.body.detail).toContain('dropped');
  });

  it('keeps an unread result for as long as there is room', async () => {
    const { post, result, clock, model: create } = await testServer({ limits: { sessionSilenceMs: 1e9 } });
    const { model } = await create();
    const promise = await post('forward_backward', forwardBackward(model, 1));
    await clock.advance(3_600_000);
    await result(await post('optim_step', optimStep(model, 2)));
    expect(await result(promise)).toHaveProperty('metrics');
  });

  it('drops the oldest unread results when they exceed the bytes kept', async () => {
    const { post, result, lines, model: create } = await testServer({ limits: { unreadResultBytes: 8000 } });
    const { model } = await create();
    const promises = [];
    for (let seqId = 1; seqId <= 6; seqId += 1)
      promises.push(await post('forward_backward', forwardBackward(model, seqId)));
    await settle();
    const statuses = await Promise.all(
      promises.map(async ({ body }) => (await post('retrieve_future', { request_id: body.request_id })).status),
    );
    expect(statuses[0]).toBe(410);
    expect(statuses.at(-1)).toBe(200);
    expect(lines.some((line) => line.startsWith('warn: Dropped the result'))).toBe(true);
    expect(await result(await post('optim_step', optimStep(model, 7)))).toHaveProperty('metrics');
  });

  it('drops the results read first when those that were read exceed the bytes kept', async () => {
    const { post, result, model: create } = await testServer({ limits: { readResultBytes: 8000 } });
    const { model } = await create();
    const ids: unknown[] = [];
    for (let seqId = 1; seqId <= 6; seqId += 1) {
      const promise = await post('forward_backward', forwardBackward(model, seqId));
      ids.push(promise.body.request_id);
      await result(promise);
    }
    const poll = async (index: number): Promise<number> =>
      (await post('retrieve_future', { request_id: ids[index] })).status;
    expect(await poll(0)).toBe(410);
    expect(await poll(5)).toBe(200);
  });

  it('answers 404 for a promise it never made', async () => {
    const { post } = await testServer();
    for (const id of ['nonsense', '0123456789abcdef-1', '']) {
      expect((await post('retrieve_future', { request_id: id })).status).toBe(404);
    }
  });

  it('answers the size first where its flag and the client say so', async () => {
    const { post, model: create } = await testServer({ limits: { metadataFirst: true } });
    const { model } = await create();
    const promise = await post('forward_backward', forwardBackward(model, 1));
    const poll = { request_id: promise.body.request_id };
    const metadata = await post('retrieve_future', { ...poll, allow_metadata_only: true });
    const whole = await post('retrieve_future', { ...poll, allow_metadata_only: false });
    expect(metadata.body).toEqual({
      status: 'complete_metadata',
      response_payload_size: Number(whole.headers['content-length']),
    });
    expect(whole.body).toHaveProperty('metrics');
  });
});
