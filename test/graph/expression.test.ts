import { describe, expect, it } from 'vitest';
import {
  evaluate,
  Expression,
  inputsLike,
  inputsOfRank,
  trace,
  valueAndGradient,
  type ExpressionLoss,
} from '../../src/graph/index.js';

const vector = (...data: number[]) => ({ data: Float32Array.from(data), shape: [data.length] });

describe('a traced loss', () => {
  const importanceSampling: ExpressionLoss<'logprobs' | 'reference' | 'advantages'> = ({
    logprobs,
    reference,
    advantages,
  }) => logprobs.sub(reference).exp().mul(advantages).neg().sum();
  const feeds = { logprobs: vector(-1, -2), reference: vector(-1.5, -1), advantages: vector(2, -3) };

  it.each([
    ['of open lengths', inputsOfRank({ logprobs: 1, reference: 1, advantages: 1 })],
    ['of given tensors', inputsLike(feeds)],
  ])('%s has its value and gradients', (_, inputs) => {
    const { loss } = trace(importanceSampling, inputs);
    const { value, gradients } = valueAndGradient(loss, [inputs.logprobs, inputs.advantages], feeds);
    const ratios = [Math.exp(0.5), Math.exp(-1)];
    expect(value).toBeCloseTo(-2 * (ratios[0] ?? 0) + 3 * (ratios[1] ?? 0), 5);
    expect(gradients[0]?.data[0]).toBeCloseTo(-2 * (ratios[0] ?? 0), 5);
    expect(gradients[0]?.data[1]).toBeCloseTo(3 * (ratios[1] ?? 0), 5);
    expect(gradients[1]?.data[1]).toBeCloseTo(-(ratios[1] ?? 0), 5);
  });

  it('may have metrics', () => {
    const inputs = inputsLike({ logprobs: feeds.logprobs });
    const { loss, metrics } = trace(
      ({ logprobs }) => ({ loss: logprobs.neg().sum(), metrics: { mean: logprobs.mean() } }),
      inputs,
    );
    const { mean } = metrics;
    if (mean === undefined) expect.fail('no metric');
    const results = evaluate({ loss, mean }, feeds);
    expect([results.loss.data[0], results.mean.data[0]]).toEqual([3, -1.5]);
  });

  it.each<[string, ExpressionLoss<'logprobs'>, string, string]>([
    [
      'throws',
      () => {
        throw new RangeError('out of luck');
      },
      'invalid_loss',
      'The loss threw: out of luck. Its inputs are logprobs.',
    ],
    [
      'returns no scalar',
      ({ logprobs }) => logprobs,
      'invalid_loss',
      'Expected a loss as a scalar expression, got one of shape [n]. Reduce it',
    ],
    [
      'has a metric that is no scalar',
      ({ logprobs }) => ({ loss: logprobs.sum(), metrics: { all: logprobs } }),
      'invalid_loss',
      'Expected metric all as a scalar',
    ],
    [
      'combines shapes that do not fit',
      ({ logprobs }) => logprobs.add(Expression.constant(new Float32Array(3))).sum(),
      'invalid_argument',
      'shapes that broadcast for add',
    ],
  ])('that %s is an error', (_, loss, code, message) => {
    const run = (): unknown => trace(loss, inputsOfRank({ logprobs: 1 }));
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code }));
  });

  it('that returns nothing, or takes an input by another name, is an error', () => {
    const inputs: Record<string, Expression['node']> = inputsOfRank({ logprobs: 1 });
    const untyped = (loss: unknown) => () => trace(loss as ExpressionLoss, inputs);
    expect(untyped(() => undefined)).toThrow('Expected a loss as a scalar expression, got undefined');
    expect(untyped(() => 3)).toThrow('Expected a loss as a scalar expression');
    expect(
      untyped(({ logprobs, ref }: Record<string, Expression>) => logprobs?.sub(ref ?? (undefined as never))),
    ).toThrow('Expected an expression or a number for sub, got undefined');
    expect(() => inputsOfRank({ images: 3 })).toThrow('rank 0, 1 or 2 for images, got 3');
  });
});

describe('every method of an expression', () => {
  const one = (build: (x: Expression) => Expression, ...data: number[]): number[] => {
    const { x } = inputsLike({ x: vector(...data) });
    return [...evaluate({ y: build(new Expression(x)).node }, { x: vector(...data) }).y.data];
  };
  const matrix = (build: (x: Expression) => Expression): number[] => one((x) => build(x.reshape([2, 2])), 1, 2, 3, 4);

  it.each<[string, (x: Expression) => Expression, number[]]>([
    ['add', (x) => x.add(1), [2, 3]],
    ['sub', (x) => x.sub(1), [0, 1]],
    ['mul', (x) => x.mul(x), [1, 4]],
    ['div', (x) => x.div(2), [0.5, 1]],
    ['pow', (x) => x.pow(3), [1, 8]],
    ['minimum', (x) => x.minimum(1.5), [1, 1.5]],
    ['maximum', (x) => x.maximum(1.5), [1.5, 2]],
    ['eq', (x) => x.eq(2), [0, 1]],
    ['ne', (x) => x.ne(2), [1, 0]],
    ['lt', (x) => x.lt(2), [1, 0]],
    ['le', (x) => x.le(1), [1, 0]],
    ['gt', (x) => x.gt(1), [0, 1]],
    ['ge', (x) => x.ge(2), [0, 1]],
    ['where', (x) => x.where(x.gt(1), -1), [-1, 2]],
    ['neg', (x) => x.neg(), [-1, -2]],
    ['exp and log', (x) => x.mul(0).exp().log(), [0, 0]],
    ['expm1 and log1p', (x) => x.mul(0).expm1().log1p(), [0, 0]],
    ['sqrt', (x) => x.mul(x).sqrt(), [1, 2]],
    ['abs', (x) => x.neg().abs(), [1, 2]],
    ['sign', (x) => x.sub(1).sign(), [0, 1]],
    ['tanh', (x) => x.mul(0).tanh(), [0, 0]],
    ['sigmoid', (x) => x.mul(0).sigmoid(), [0.5, 0.5]],
    ['logsigmoid', (x) => x.mul(1000).logsigmoid(), [0, 0]],
    ['softplus', (x) => x.mul(1000).softplus(), [1000, 2000]],
    ['silu', (x) => x.mul(1000).silu(), [1000, 2000]],
    ['softmax', (x) => x.mul(1000).softmax(), [0, 1]],
    ['logSoftmax', (x) => x.mul(1000).logSoftmax(), [-1000, 0]],
    ['detach', (x) => x.detach(), [1, 2]],
    ['clamp', (x) => x.clamp(1.5), [1.5, 2]],
    ['sum', (x) => x.sum(), [3]],
    ['mean', (x) => x.mean(), [1.5]],
    ['max', (x) => x.max(), [2]],
    ['cumsum', (x) => x.cumsum(), [1, 3]],
    ['slice', (x) => x.slice(1), [2]],
    ['select', (x) => x.select(-1), [2]],
    ['gather', (x) => x.gather(Expression.constant(new Int32Array([1, 1]))), [2, 2]],
    ['unsqueeze and squeeze', (x) => x.unsqueeze(0).squeeze(0), [1, 2]],
    ['expandAs', (x) => x.sum().expandAs(x), [3, 3]],
    ['concat', (x) => Expression.concat([x, x]), [1, 2, 1, 2]],
    ['stack', (x) => Expression.stack([x, x], 1), [1, 1, 2, 2]],
  ])('%s', (_, build, expected) => {
    expect(one(build, 1, 2).map((value) => value + 0)).toEqual(expected);
  });

  it('of matrices', () => {
    expect(matrix((x) => x.transpose())).toEqual([1, 3, 2, 4]);
    expect(matrix((x) => x.matmul(x))).toEqual([7, 10, 15, 22]);
    expect(matrix((x) => x.sum(-1, true).mul(Expression.constant(new Float32Array([1, 10]))))).toEqual([3, 30, 7, 70]);
  });
});
