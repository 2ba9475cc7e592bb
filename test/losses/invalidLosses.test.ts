import { describe, expect, it } from 'vitest';
import {
  batchLoss,
  checkCustomLoss,
  type CustomLoss,
  Expression,
  gradientLoss,
  type LossValue,
  tfjsLoss,
} from '../../src/losses/index.js';
import { datum, expectInvalid, logprobs } from './support.js';

const data = [datum(2), datum(3)];
const values = [logprobs(-1, -2), logprobs(-1, -2, -3)];

/** One function in both forms of expressions; a cast stands for JavaScript, where nothing checks the types. */
const forms = (name: string, loss: (p: Expression) => unknown): readonly (readonly [string, CustomLoss])[] => [
  [`${name}, per datum`, ({ logprobs: p }) => loss(p) as LossValue<Expression>],
  [`${name}, batch`, batchLoss((_, all) => loss(Expression.concat(all)) as LossValue<Expression>)],
];

const cases = (...rows: (readonly [string, (p: Expression) => unknown, ...string[]])[]) =>
  rows.flatMap(([name, loss, ...words]) => forms(name, loss).map(([form, made]) => [form, made, words] as const));

describe('a loss of expressions is refused with invalid_loss', () => {
  it.each(
    cases(
      ['NaN', (p) => p.log().sum(), 'finite loss', 'NaN'],
      ['Infinity', (p) => p.mul(-1000).exp().sum(), 'finite loss', 'Infinity'],
      ['finite with a gradient that is not', (p) => p.sub(p).sqrt().sum(), 'finite gradients', 'data[0]', 'position 0'],
      ['no scalar', (p) => p.neg(), 'scalar loss', 'sum() or mean()'],
      ['no scalar in a record', (p) => ({ loss: p.neg() }), 'scalar loss', 'sum() or mean()'],
      ['a number', () => 3, 'scalar expression', 'got 3', 'no derivative'],
      ['nothing', () => undefined, 'scalar expression', 'got undefined'],
      ['a promise', (p) => Promise.resolve(p.sum()), 'scalar expression', 'a Promise', 'must not be async'],
      ['a record without loss', (p) => ({ metrics: { a: p.sum() } }), 'scalar expression'],
      ['metrics of no record', (p) => ({ loss: p.sum(), metrics: 3 }), 'metrics as a record', 'got 3'],
      ['a metric of no number', (p) => ({ loss: p.sum(), metrics: { 'a:sum': 'b' } }), 'metric a:sum', '"b"'],
      ['a metric of no scalar', (p) => ({ loss: p.sum(), metrics: { 'a:sum': p } }), 'scalar metric a:sum', 'shape'],
      ['detached', (p) => p.detach().sum(), 'depends on the logprobs of data[0]'],
      ['only compared', (p) => p.gt(0).sum(), 'depends on the logprobs of data[0]'],
      ['a constant', () => Expression.constant(1), 'depends on the logprobs of data[0]'],
    ),
  )('%s', async (_, loss, words) => {
    await expectInvalid(loss, data, values, ...words);
  });

  it('when it throws, with its cause', async () => {
    const cause = new Error('no luck today');
    for (const [, loss] of forms('throws', () => {
      throw cause;
    })) {
      const error = await expectInvalid(loss, data, values, 'no luck today');
      expect(error.cause).toBe(cause);
    }
    const error = await expectInvalid(
      ({ logprobs: p }) => p.add(Expression.constant(Float32Array.of(1, 2))).sum(),
      data,
      values,
      'data[1]',
      '[3] and [2]',
    );
    expect(error.cause).toMatchObject({ code: 'invalid_argument' });
  });
});

describe('checkCustomLoss', () => {
  it('passes every form', () => {
    for (const loss of [
      ({ logprobs: p }: { logprobs: Expression }) => p.sum(),
      batchLoss((_, [p]) => p ?? Expression.constant(0)),
      tfjsLoss((_, __, tf) => tf.scalar(1)),
      gradientLoss(() => ({ loss: 0, gradients: [] })),
    ])
      expect(() => checkCustomLoss(loss)).not.toThrow();
  });

  it.each([
    ['a bare function of the batch', (_data: unknown, p: Expression[]) => p, 'one of 2'],
    ['a name', 'cross_entropy', '"cross_entropy"'],
    ['nothing', undefined, 'undefined'],
    ['another object', { form: 'batch' }, 'an object with form'],
  ])('refuses %s at the call', (_, loss, got) => {
    expect(() => checkCustomLoss(loss)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(got) as string }) as Error,
    );
    expect(() => checkCustomLoss(loss)).toThrow('batchLoss');
  });
});
