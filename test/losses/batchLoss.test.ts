import { describe, expect, it } from 'vitest';
import { batchLoss, Expression, lossInput } from '../../src/losses/index.js';
import { datum, expectGradients, expectInvalid, logprobs, run } from './support.js';

describe('a batch loss', () => {
  const points = [[-1, -2], [-0.5], [-3, -1, -0.25], [-2.5]];
  const data = points.map((p, i) => datum(p.length, { ref: p.map(() => -i) }));
  const values = points.map((p) => logprobs(...p));
  const total = (p: readonly number[] | undefined): number => (p ?? []).reduce((a, b) => a + b, 0);

  it('sees pairs across data', async () => {
    const plain = (all: readonly (readonly number[])[]): number =>
      Math.log1p(Math.exp(total(all[1]) - total(all[0]))) + Math.log1p(Math.exp(total(all[3]) - total(all[2])));
    const loss = batchLoss((batch, all) => {
      const totals = Expression.stack(all.map((p) => p.sum())).reshape([batch.length / 2, 2]);
      const margin = totals.select(0, 1).sub(totals.select(1, 1));
      return {
        loss: margin.logsigmoid().neg().sum(),
        metrics: { 'accuracy:mean': margin.gt(0).mean(), 'pairs:sum': 2 },
      };
    });
    const result = await run(loss, data, values);
    expect(result.loss).toBeCloseTo(plain(points), 9);
    expectGradients(result.gradients, points, plain);
    expect(result.metrics).toEqual({ 'accuracy:mean': 0, 'pairs:sum': 2 });
  });

  it('reads inputs of the data, and may return a bare expression', async () => {
    const loss = batchLoss((batch, all) =>
      all.map((p, i) => p.mul(lossInput(batch[i] ?? datum(0), 'ref')).sum()).reduce((sum, one) => sum.add(one)),
    );
    const result = await run(loss, data, values);
    expect(result.loss).toBeCloseTo(-total(points[1]) - 2 * total(points[2]) - 3 * total(points[3]), 9);
    expect(result.gradients.map(([first]) => first)).toEqual([-0, -1, -2, -3]);
  });

  it('names an input that a datum lacks', async () => {
    const loss = batchLoss((batch, [p]) =>
      (p ?? Expression.constant(0)).sub(lossInput(batch[0] ?? datum(0), 'margin')).sum(),
    );
    await expectInvalid(loss, data, values, 'an input margin', 'targetTokens, ref');
  });

  it('refuses to leave out a datum unsaid', async () => {
    await expectInvalid(
      batchLoss((_, all) => Expression.concat(all.slice(0, 3)).sum()),
      data,
      values,
      'depends on the logprobs of data[3]',
      'multiply by 0',
    );
    const said = await run(
      batchLoss((_, all) => Expression.concat(all).sum().add(Expression.concat(all).mul(0).sum())),
      data,
      values,
    );
    expect(said.gradients.flatMap((g) => [...g])).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });
});
