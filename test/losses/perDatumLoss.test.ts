import { describe, expect, it } from 'vitest';
import { Expression, type LossInputs, type PerDatumLoss } from '../../src/losses/index.js';
import { TensorData } from '../../src/wire/index.js';
import { datum, expectGradients, expectInvalid, logprobs, run } from './support.js';

const points = [[-0.5, -1.5, -2], [-0.25], [-3, -0.125]];
const refs = [[-1, -1, -1.5], [-0.5], [-2, -1]];
const advantages = [[1, -1, 0.5], [2], [-0.5, 1]];
const data = points.map((p, i) => datum(p.length, { ref: refs[i] ?? [], advantages: advantages[i] ?? [] }));
const values = points.map((p) => logprobs(...p));

const importance = (all: readonly (readonly number[])[]): number =>
  -all
    .flatMap((p, i) => p.map((x, j) => Math.exp(x - (refs[i]?.[j] ?? NaN)) * (advantages[i]?.[j] ?? NaN)))
    .reduce((a, b) => a + b, 0);

describe('a per-datum loss', () => {
  it('sums over data of several lengths and gives each its gradient', async () => {
    const loss: PerDatumLoss = ({ logprobs: p, ref, advantages: a }) => p.sub(ref).exp().mul(a).neg().sum();
    const result = await run(loss, data, values);
    expect(result.loss).toBeCloseTo(importance(points), 9);
    expectGradients(result.gradients, points, importance);
    expect(result.metrics).toEqual({});
  });

  it('reduces its metrics as their names say', async () => {
    const loss: PerDatumLoss = ({ logprobs: p }) => ({
      loss: p.neg().sum(),
      metrics: { 'tokens:sum': Expression.constant(p.shape.length === 1 ? 1 : 0), 'worst:mean': p.neg().max() },
    });
    const { metrics } = await run(loss, data, values);
    expect(metrics).toEqual({ 'tokens:sum': 3, 'worst:mean': (2 + 0.25 + 3) / 3 });
  });

  it("reads the datum's own logprobs as samplerLogprobs, whatever the case of the names", async () => {
    const own = [datum(2, { logprobs: [-1, -2], my_margin: [0.5, 0.25] })];
    const loss: PerDatumLoss = ({ logprobs: p, samplerLogprobs, myMargin }: LossInputs<'myMargin'>) =>
      p.sub(samplerLogprobs).mul(myMargin).sum();
    const result = await run(loss, own, [logprobs(-2, -4)]);
    expect(result.loss).toBe(-1);
    expect(result.gradients).toEqual([Float32Array.of(0.5, 0.25)]);
  });

  it('takes integers, as indices too, and tensors of two axes', async () => {
    const own = [datum(2, { row: BigInt64Array.of(1n), table: new TensorData(Float32Array.of(1, 2, 3, 4), [2, 2]) })];
    const loss: PerDatumLoss = ({ logprobs: p, row, table }: LossInputs<'row' | 'table'>) =>
      table.gather(row).squeeze(0).mul(p).sum();
    expect(await run(loss, own, [logprobs(1, 10)])).toMatchObject({
      loss: 43,
      gradients: [Float32Array.of(3, 4)],
    });
    const wide = new TensorData(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const square = await run(({ logprobs: p }) => p.mul(p).sum(), [datum(2)], [wide]);
    expect(square.gradients).toEqual([Float32Array.of(2, 4, 6, 8)]);
  });

  it('can ask whether an input is there', async () => {
    const loss: PerDatumLoss = (inputs) => {
      const weights: Expression | number = 'weights' in inputs ? inputs.weights : 1;
      return inputs.logprobs.mul(weights).sum();
    };
    const result = await run(loss, [datum(1, { weights: [3] }), datum(1)], [logprobs(-1), logprobs(-1)]);
    expect(result.gradients).toEqual([Float32Array.of(3), Float32Array.of(1)]);
    const keys: string[] = [];
    await run((inputs) => (keys.push(...Object.keys(inputs)), inputs.logprobs.sum()), [datum(1)], [logprobs(-1)]);
    expect(keys).toEqual(['logprobs', 'targetTokens']);
  });

  it('names the input and the datum where one is missing', async () => {
    const mixed = [datum(1, { ref: [-1] }), datum(1, { weights: [1] })];
    await expectInvalid(
      ({ logprobs: p, ref }) => p.sub(ref).sum(),
      mixed,
      [logprobs(-1), logprobs(-1)],
      'an input ref in data[1].lossFnInputs',
      'targetTokens, weights',
    );
  });

  it('refuses wrong values of an input', async () => {
    const error = await expectInvalid(
      ({ logprobs: p, ref }) => p.sub(ref).sum(),
      [datum(1, { ref: [NaN] })],
      [logprobs(-1)],
      'data[0].lossFnInputs.ref',
      'NaN at position 0',
    );
    expect(error.cause).toMatchObject({ code: 'invalid_argument' });
  });

  it('refuses metrics that do not say how they are put together', async () => {
    await expectInvalid(
      ({ logprobs: p }) => ({ loss: p.sum(), metrics: { share: 1 } }),
      [datum(1)],
      [logprobs(-1)],
      ':sum or :mean',
      'share',
    );
  });
});
