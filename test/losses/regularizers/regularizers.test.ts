import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyPenalty,
  elasticNetPenalty,
  entropyEstimate,
  Expression,
  type KlEstimator,
  klEstimate,
  l1Penalty,
  l2Penalty,
} from '../../../src/losses/index.js';
import { datum, expectLike, logprobs, run } from '../support.js';

/** Logprobs away from 0, where |p| has a kink. */
const logprob = fc.double({ min: -4, max: -0.01, noNaN: true });
const factor = fc.double({ min: -1, max: 2, noNaN: true });

/** Logprobs, another reading of the same tokens, and a factor for each. */
const readings = fc
  .array(fc.tuple(logprob, logprob, factor), { minLength: 1, maxLength: 5 })
  .map((rows) => [0, 1, 2].map((column) => rows.map((row) => row[column] ?? NaN)));

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe.each<
  [
    string,
    (p: Expression, other: Expression, mask: Expression | undefined) => Expression,
    (p: number, other: number) => number,
  ]
>([
  ['l1Penalty', (p, _, mask) => l1Penalty(p, { ...(mask && { mask }) }), (p) => Math.abs(p)],
  ['l2Penalty', (p, _, mask) => l2Penalty(p, { ...(mask && { mask }) }), (p) => p * p],
  [
    'elasticNetPenalty',
    (p, _, mask) => elasticNetPenalty(p, { ...(mask && { mask }) }),
    (p) => 0.5 * Math.abs(p) + 0.25 * p * p,
  ],
  [
    'elasticNetPenalty with its own ratio',
    (p, _, mask) => elasticNetPenalty(p, { l1Ratio: 0.2, ...(mask && { mask }) }),
    (p) => 0.2 * Math.abs(p) + 0.4 * p * p,
  ],
  ['klEstimate k1', (p, q, mask) => klEstimate(p, q, { estimator: 'k1', ...(mask && { mask }) }), (p, q) => p - q],
  [
    'klEstimate k2',
    (p, q, mask) => klEstimate(p, q, { estimator: 'k2', ...(mask && { mask }) }),
    (p, q) => (p - q) ** 2 / 2,
  ],
  ['klEstimate', (p, q, mask) => klEstimate(p, q, { ...(mask && { mask }) }), (p, q) => Math.exp(q - p) - 1 - (q - p)],
  ['consistencyPenalty', (p, q, mask) => consistencyPenalty(p, q, { ...(mask && { mask }) }), (p, q) => (p - q) ** 2],
])('%s', (_, build, plain) => {
  it('is its formula, and its gradient the derivative', async () => {
    await fc.assert(
      fc.asyncProperty(readings, ([p = [], other = []]) =>
        expectLike(
          (x, y = x) => build(x, y, undefined),
          (x, y = x) => total(x.map((v, i) => plain(v, y[i] ?? NaN))),
          p,
          other,
        ),
      ),
      { numRuns: 20 },
    );
  });

  it('weighs positions by a mask', async () => {
    await fc.assert(
      fc.asyncProperty(readings, ([p = [], other = [], mask = []]) =>
        expectLike(
          (x, y = x, m = x) => build(x, y, m),
          (x, y = x, m = x) => total(x.map((v, i) => plain(v, y[i] ?? NaN) * (m[i] ?? NaN))),
          p,
          other,
          mask,
        ),
      ),
      { numRuns: 20 },
    );
  });
});

it('a consistency penalty draws both readings', async () => {
  const { gradients } = await run(
    ({ logprobs: p }) => consistencyPenalty(p.slice(0, 1), p.slice(1)),
    [datum(2)],
    [logprobs(-1, -3)],
  );
  expect(gradients).toEqual([Float32Array.of(4, -4)]);
});

it('regularizers refuse what they do not know', () => {
  const p = Expression.constant(Float32Array.of(-1));
  expect(() => elasticNetPenalty(p, { l1Ratio: 1.5 })).toThrow('Expected l1Ratio from 0 to 1, got 1.5');
  expect(() => elasticNetPenalty(p, { l1Ratio: NaN })).toThrow('got NaN');
  expect(() => klEstimate(p, p, { estimator: 'k4' as KlEstimator })).toThrow('k1, k2, k3');
});

/** A distribution over a few tokens by its logits, where expectations are sums. */
describe('over all tokens of a distribution', () => {
  const logits = [0.3, -0.7, 1.1, 0];
  const reference = logProbabilities([-0.2, 0.4, 0.9, -1]);
  const all = (values: readonly number[]): Float32Array => Float32Array.from(values);

  function logProbabilities(z: readonly number[]): number[] {
    const norm = Math.log(total(z.map(Math.exp)));
    return z.map((value) => value - norm);
  }

  const divergence = (p: readonly number[], q: readonly number[]): number =>
    total(p.map((value, i) => Math.exp(value) * (value - (q[i] ?? NaN))));

  const differences = (quantity: (z: readonly number[]) => number): number[] =>
    logits.map((_, at) => {
      const [up = NaN, down = NaN] = [1e-5, -1e-5].map((step) =>
        quantity(logits.map((z, i) => (i === at ? z + step : z))),
      );
      return (up - down) / 2e-5;
    });

  /** The expectation of an estimate, and that of its gradient by the logits, tokens drawn from the model. */
  async function expectation(estimate: (p: Expression, q: Expression) => Expression) {
    const p = logProbabilities(logits);
    const weights = p.map(Math.exp);
    const results = await Promise.all(
      p.map((value, token) =>
        run(
          ({ logprobs: x, ref }) => estimate(x, ref),
          [datum(1, { ref: all([reference[token] ?? NaN]) })],
          [logprobs(value)],
        ),
      ),
    );
    const slopes = results.map(({ gradients }) => gradients[0]?.[0] ?? NaN);
    return {
      value: total(results.map(({ loss }, token) => loss * (weights[token] ?? NaN))),
      // ∂p(token)/∂z(i) = [token = i] − π(i).
      gradient: logits.map((_, i) =>
        total(
          slopes.map((slope, token) => (weights[token] ?? NaN) * slope * ((token === i ? 1 : 0) - (weights[i] ?? NaN))),
        ),
      ),
    };
  }

  const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] ?? NaN, 5);
    });
  };

  it('k1 and k3 are unbiased, and so are the gradients of k2 and k3 for the divergences that they name', async () => {
    const forward = (z: readonly number[]): number => divergence(logProbabilities(z), reference);
    const backward = (z: readonly number[]): number => divergence(reference, logProbabilities(z));
    const [k1, k2, k3] = await Promise.all(
      (['k1', 'k2', 'k3'] as const).map((estimator) => expectation((p, q) => klEstimate(p, q, { estimator }))),
    );
    expect(k1?.value).toBeCloseTo(forward(logits), 6);
    expect(k3?.value).toBeCloseTo(forward(logits), 6);
    expectClose(
      k1?.gradient ?? [],
      logits.map(() => 0),
    );
    expectClose(k2?.gradient ?? [], differences(forward));
    expectClose(k3?.gradient ?? [], differences(backward));
  });

  it('the entropy estimate and its gradient are unbiased', async () => {
    const entropy = (z: readonly number[]): number => -total(logProbabilities(z).map((p) => Math.exp(p) * p));
    const { value, gradient } = await expectation((p) => entropyEstimate(p));
    expect(value).toBeCloseTo(entropy(logits), 6);
    expectClose(gradient, differences(entropy));
    const masked = await run(
      ({ logprobs: p, ref }) => entropyEstimate(p, { mask: ref }),
      [datum(2, { ref: all([0, 2]) })],
      [logprobs(-1, -3)],
    );
    expect(masked).toMatchObject({ loss: 6, gradients: [Float32Array.of(0, 6)] });
  });
});
