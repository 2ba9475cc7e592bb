import { describe, expect, it } from 'vitest';
import { forwardBackward, optimStep, testServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

describe('the lane of a model', () => {
  it('trains: the loss is that of a uniform guess and falls by the gradient', async () => {
    const { post, result, model: create } = await testServer();
    const { model } = await create();
    const first = await result(await post('forward_backward', forwardBackward(model, 1)));
    expect(first).toMatchObject({ metrics: { 'loss:sum': expect.closeTo(2 * Math.log(8), 5) as number } });
    // Each of two rows has the gradient p − 1 at its target and p = 1/8 at the seven others.
    expect(await result(await post('optim_step', optimStep(model, 2)))).toMatchObject({
      metrics: { 'grad_norm:mean': expect.closeTo(Math.sqrt(2 * ((7 / 8) ** 2 + 7 / 64)), 5) as number },
    });
    const second = await result(await post('forward_backward', forwardBackward(model, 3)));
    const logit = 7 / 8;
    const loss = -2 * (logit - Math.log(Math.exp(logit) + 7 * Math.exp(-1 / 8)));
    expect(second).toMatchObject({ metrics: { 'loss:sum': expect.closeTo(loss, 5) as number } });
  });

  it('executes calls in the order of their seq_ids, whatever order they arrive in', async () => {
    const { post, engine, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    for (const seqId of [2, 4, 3])
      expect((await post('forward_backward', forwardBackward(model, seqId))).status).toBe(200);
    await settle();
    expect(engine.log).toEqual([]);
    expect((await post('optim_step', optimStep(model, 1))).status).toBe(200);
    await settle();
    expect(engine.log).toEqual(
      ['optimStep', ...Array<string>(3).fill('forwardBackward')].map((name) => `${name} ${model}`),
    );
  });

  it('answers a repeated call with the first promise and runs it once', async () => {
    const { post, result, engine, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    const first = await post('forward_backward', forwardBackward(model, 1));
    const again = await post('forward_backward', forwardBackward(model, 1));
    expect(again.body).toEqual(first.body);
    await result(first);
    expect((await post('forward_backward', forwardBackward(model, 1))).body).toEqual(first.body);
    await settle();
    expect(engine.log).toHaveLength(1);
  });

  it('refuses another body under a used seq_id with 409, and says not to retry', async () => {
    const { post, model: create } = await testServer();
    const { model } = await create();
    await post('forward_backward', forwardBackward(model, 1));
    const other = await post('optim_step', optimStep(model, 1));
    expect(other.status).toBe(409);
    expect(other.headers['x-should-retry']).toBe('false');
    expect(other.body.detail).toContain('seq_id 1');
    expect((await post('forward_backward', forwardBackward(model, 1, [4, 5]))).status).toBe(409);
  });

  it('lets a refused seq_id block nobody and be used again', async () => {
    const { post, engine, result, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    const later = await post('forward_backward', forwardBackward(model, 2));
    expect((await post('forward_backward', forwardBackward(model, 1, [1, 99]))).status).toBe(400);
    await result(later);
    expect(engine.log).toHaveLength(1);
    await result(await post('forward_backward', forwardBackward(model, 1)));
    expect(engine.log).toHaveLength(2);
    const next = await post('forward_backward', { ...(forwardBackward(model, 3) as object), nonsense: 1 });
    expect(next.status).toBe(422);
    await result(await post('forward_backward', forwardBackward(model, 3)));
    expect(engine.log).toHaveLength(3);
  });

  it('fails what waits for a seq_id that is missing for 120 s, and goes on behind it', async () => {
    const { post, result, clock, engine, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    const waiting = [
      await post('forward_backward', forwardBackward(model, 2)),
      await post('forward_backward', forwardBackward(model, 3)),
    ];
    await clock.advance(119_999);
    const pending = await post('client/config', {});
    expect(pending.status).toBe(200);
    expect(engine.log).toEqual([]);
    await clock.advance(1);
    for (const [index, promise] of waiting.entries()) {
      const failed = await result(promise);
      expect(failed).toMatchObject({ category: 'user' });
      expect(failed.error).toContain(`seq_id ${index + 2} was not executed: seq_id 1 did not arrive within 120 s`);
    }
    await result(await post('forward_backward', forwardBackward(model, 4)));
    expect(engine.log).toHaveLength(1);
    const late = await post('forward_backward', forwardBackward(model, 1));
    expect(late.status).toBe(400);
    expect(late.body.detail).toContain('came too late');
  });

  it('gives each gap its own 120 s', async () => {
    const { post, result, clock, model: create } = await testServer();
    const { model } = await create();
    const third = await post('forward_backward', forwardBackward(model, 3));
    await clock.advance(100_000);
    await result(await post('forward_backward', forwardBackward(model, 1)));
    await clock.advance(100_000);
    await post('forward_backward', forwardBackward(model, 2));
    expect(await result(third)).toHaveProperty('metrics');
  });

  it('keeps a failed call from stopping those behind it', async () => {
    const { post, result, engine, model: create } = await testServer();
    const { model } = await create();
    engine.before = (what) =>
      what.startsWith('optimStep') ? Promise.reject(new Error('The disk burns.')) : Promise.resolve();
    const failing = await post('optim_step', optimStep(model, 1));
    const next = await post('forward_backward', forwardBackward(model, 2));
    expect(await result(failing)).toEqual({ error: 'The disk burns.', category: 'server' });
    expect(await result(next)).toHaveProperty('metrics');
  });

  it('gives several models their turns alternately', async () => {
    const { post, engine, model: create } = await testServer();
    const a = await create();
    const b = await create();
    engine.log.length = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    engine.before = () => held;
    for (const { model } of [a, b])
      for (const seqId of [1, 2, 3]) await post('forward_backward', forwardBackward(model, seqId));
    release();
    await settle();
    const order = engine.log.map((line) => (line.endsWith(a.model) ? 'a' : 'b'));
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
  });

  it('refuses calls with 429 when too much waits, but never the one that others wait for', async () => {
    const { post, engine, result, model: create } = await testServer({ limits: { queuedBytes: 300 } });
    const { model } = await create();
    let release = (): void => undefined;
    engine.before = () => new Promise((resolve) => (release = resolve));
    const second = await post('forward_backward', forwardBackward(model, 2));
    await post('forward_backward', forwardBackward(model, 3));
    const refused = await post('forward_backward', forwardBackward(model, 4));
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after-ms']).toBe('500');
    expect((await post('forward_backward', forwardBackward(model, 1))).status).toBe(200);
    engine.before = () => Promise.resolve();
    await settle();
    release();
    expect(await result(second)).toHaveProperty('metrics');
    expect((await post('forward_backward', forwardBackward(model, 4))).status).toBe(200);
  });
});
