import { describe, expect, it } from 'vitest';
import { datum, forwardBackward, optimStep, testServer } from './support/testServer.js';
import { settle } from './support/virtualClock.js';

function withData(model: string, data: unknown, extra: object = {}): unknown {
  return { model_id: model, seq_id: 1, forward_backward_input: { data, loss_fn: 'cross_entropy', ...extra } };
}

const text = (tokens: unknown): unknown => ({ chunks: [{ type: 'encoded_text', tokens }] });

function withTargets(targets: object): unknown {
  return { model_input: text([1, 2]), loss_fn_inputs: { target_tokens: targets } };
}

describe('bad training data', () => {
  const good = { data: [2, 3], dtype: 'int64', shape: [2] };
  const cases: [string, (model: string) => unknown, string][] = [
    ['no data', (model) => withData(model, []), 'at least one datum'],
    ['a token outside the vocabulary', (model) => forwardBackward(model, 1, [1, 2, 8]), 'tokens below 8, got 8'],
    ['a negative token', (model) => withData(model, [{ model_input: text([-1]), loss_fn_inputs: {} }]), 'tokens.0'],
    [
      'a token that is no integer',
      (model) => withData(model, [{ model_input: text([1.5]), loss_fn_inputs: {} }]),
      'tokens.0',
    ],
    [
      'an empty input',
      (model) => withData(model, [{ model_input: text([]), loss_fn_inputs: {} }]),
      'at least one token',
    ],
    [
      'an image',
      (model) =>
        withData(model, [
          { model_input: { chunks: [{ type: 'image', data: 'AA', format: 'png' }] }, loss_fn_inputs: {} },
        ]),
      'encoded_text',
    ],
    [
      'targets of another length',
      (model) => withData(model, [withTargets({ ...good, data: [2], shape: [1] })]),
      'as many targets',
    ],
    ['no targets', (model) => withData(model, [{ model_input: text([1, 2]), loss_fn_inputs: {} }]), 'as many targets'],
    [
      'a shape that does not fit',
      (model) => withData(model, [withTargets({ ...good, shape: [3] })]),
      '3 values for shape [3], got 2',
    ],
    [
      'a number that is none',
      (model) => withData(model, [withTargets({ ...good, data: [2, null] })]),
      'target_tokens.data.1',
    ],
    [
      'a fraction as int64',
      (model) => withData(model, [withTargets({ ...good, data: [2, 0.5] })]),
      'data.1: Expected an integer',
    ],
    [
      'an integer beyond 32 bits',
      (model) => withData(model, [withTargets({ ...good, data: [2, 2 ** 40] })]),
      'data.1: Expected an integer',
    ],
    ['an unknown dtype', (model) => withData(model, [withTargets({ ...good, dtype: 'int8' })]), 'dtype'],
    ['an unknown loss', (model) => withData(model, [datum([1, 2])], { loss_fn: 'guess' }), 'Expected cross_entropy'],
    ['an unknown field', (model) => withData(model, [datum([1, 2])], { los_fn: 'x' }), 'los_fn'],
    [
      'a sparse tensor without a shape',
      (model) =>
        withData(model, [
          withTargets({ data: [1], dtype: 'int64', sparse_crow_indices: [0, 1], sparse_col_indices: [0] }),
        ]),
      'sparse',
    ],
    [
      'a sparse tensor whose columns lie outside',
      (model) =>
        withData(model, [
          withTargets({
            data: [1],
            dtype: 'int64',
            shape: [1, 2],
            sparse_crow_indices: [0, 1],
            sparse_col_indices: [2],
          }),
        ]),
      'sparse',
    ],
  ];

  it.each(cases)('is refused at the POST: %s', async (_, body, expected) => {
    const { post, engine, model: create } = await testServer();
    const { model } = await create();
    engine.log.length = 0;
    const refused = await post('forward_backward', body(model));
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.body.detail).toContain(expected);
    await settle();
    expect(engine.log).toEqual([]);
    expect((await post('forward_backward', forwardBackward(model, 1))).status).toBe(200);
  });

  it.each([
    ['a negative learning rate', { adam_params: { learning_rate: -1 } }, 'learning_rate'],
    ['a beta of 1', { adam_params: { beta1: 1 } }, 'beta1'],
    ['another optimizer', { optimizer_params: { type: 'dimuon', learning_rate: 1 } }, 'adamw'],
    ['no seq_id', { seq_id: undefined }, 'seq_id'],
    ['seq_id 0', { seq_id: 0 }, 'seq_id'],
  ])('refuses an optimizer step with %s', async (_, fields, expected) => {
    const { post, model: create } = await testServer();
    const { model } = await create();
    const refused = await post('optim_step', { ...(optimStep(model, 1) as object), ...fields });
    expect(refused.status).toBe(422);
    expect(refused.body.detail).toContain(expected);
  });

  it('fills up a sparse tensor', async () => {
    const { post, result, model: create } = await testServer();
    const { model } = await create();
    const sparse = {
      data: [5, 6],
      dtype: 'int64',
      shape: [2, 1],
      sparse_crow_indices: [0, 1, 2],
      sparse_col_indices: [0, 0],
    };
    const outcome = await result(await post('forward_backward', withData(model, [withTargets(sparse)])));
    expect(outcome).toMatchObject({ metrics: { 'loss:sum': expect.closeTo(2 * Math.log(8), 5) as number } });
  });

  it('takes null for what is left out, and runs forward without a gradient', async () => {
    const { post, result, engine, model: create } = await testServer();
    const { model } = await create();
    const forward = await post('forward', {
      model_id: model,
      seq_id: 1,
      type: 'forward',
      forward_input: { data: [datum([1, 2, 3])], loss_fn: 'cross_entropy', loss_fn_config: null },
    });
    const output = await result(forward);
    expect(output.loss_fn_outputs).toEqual([
      { logprobs: { data: [1, 2].map(() => Math.fround(-Math.log(8))), dtype: 'float32', shape: [2] } },
    ]);
    await result(await post('optim_step', { model_id: model, seq_id: 2 }));
    expect(engine.models.get(model)?.logits.every((value) => value === 0)).toBe(true);
  });
});
