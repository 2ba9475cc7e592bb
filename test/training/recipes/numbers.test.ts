import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupAdvantages, klPenalties, passAtK, policyDatum } from '../../../src/training/recipes/index.js';
import { ModelInput } from '../../../src/wire/index.js';

const finite = fc.double({ min: -10, max: 10, noNaN: true });
const group = fc.array(finite, { minLength: 1, maxLength: 12 });
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('groupAdvantages', () => {
  test('by hand', () => {
    expect(groupAdvantages([1, 0, 0, 1])).toEqual([0.5, -0.5, -0.5, 0.5]);
    expect(groupAdvantages([3, 1, 2, 6])).toEqual([0, -2, -1, 3]);
    // The variance is (0 + 4 + 1 + 9) / 4 = 3.5.
    const deviation = Math.sqrt(3.5);
    expect(groupAdvantages([3, 1, 2, 6], { normalize: true })).toEqual([0, -2, -1, 3].map((x) => x / deviation));
    expect(groupAdvantages([1, 1, 1], { normalize: true })).toEqual([0, 0, 0]);
    expect(groupAdvantages([])).toEqual([]);
  });

  test('sum to 0, and do not change when all rewards are moved', () => {
    fc.assert(
      fc.property(group, finite, (rewards, by) => {
        const advantages = groupAdvantages(rewards);
        expect(sum(advantages)).toBeCloseTo(0, 9);
        groupAdvantages(rewards.map((reward) => reward + by)).forEach((moved, index) => {
          expect(moved).toBeCloseTo(advantages[index] ?? NaN, 9);
        });
      }),
    );
  });

  test('have a variance of 1 when normalized, whatever the scale of the rewards', () => {
    fc.assert(
      fc.property(group, fc.double({ min: 0.1, max: 100, noNaN: true }), (rewards, scale) => {
        fc.pre(Math.max(...rewards) - Math.min(...rewards) > 0.01);
        const advantages = groupAdvantages(
          rewards.map((reward) => reward * scale),
          { normalize: true },
        );
        expect(sum(advantages.map((x) => x * x)) / advantages.length).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('klPenalties', () => {
  test('by hand: less than the mean is rewarded', () => {
    // The mean of all three is 0.2.
    const [first = [], second = []] = klPenalties([[0.5, 0.1], [0]], 2);
    expect(first[0]).toBeCloseTo(-0.6, 12);
    expect(first[1]).toBeCloseTo(0.2, 12);
    expect(second[0]).toBeCloseTo(0.4, 12);
  });

  test('keep the shape, sum to 0, and are 0 at a coefficient of 0', () => {
    fc.assert(
      fc.property(fc.array(group, { maxLength: 6 }), finite, (kl, coefficient) => {
        const penalties = klPenalties(kl, coefficient);
        expect(penalties.map((row) => row.length)).toEqual(kl.map((row) => row.length));
        expect(sum(penalties.flat())).toBeCloseTo(0, 8);
        for (const value of klPenalties(kl, 0).flat()) expect(value).toBeCloseTo(0, 12);
      }),
    );
  });
});

describe('passAtK', () => {
  test('by hand', () => {
    expect(passAtK({ n: 4, c: 1, k: 1 })).toBeCloseTo(1 / 4, 12);
    expect(passAtK({ n: 4, c: 1, k: 2 })).toBeCloseTo(1 / 2, 12);
    expect(passAtK({ n: 5, c: 2, k: 2 })).toBeCloseTo(1 - 3 / 10, 12);
    expect(passAtK({ n: 3, c: 2, k: 2 })).toBe(1);
    expect(passAtK({ n: 9, c: 0, k: 9 })).toBe(0);
  });

  test('is the share of the subsets of k samples with a right one', () => {
    const cases = fc
      .record({ n: fc.integer({ min: 1, max: 9 }), c: fc.nat({ max: 9 }), k: fc.integer({ min: 1, max: 9 }) })
      .filter(({ n, c, k }) => c <= n && k <= n);
    fc.assert(
      fc.property(cases, ({ n, c, k }) => {
        const subsets = Array.from({ length: 2 ** n }, (_, bits) =>
          Array.from({ length: n }, (_, sample) => sample).filter((sample) => (bits >> sample) & 1),
        ).filter((subset) => subset.length === k);
        const right = subsets.filter((subset) => subset.some((sample) => sample < c));
        expect(passAtK({ n, c, k })).toBeCloseTo(right.length / subsets.length, 9);
      }),
    );
  });

  test('does not overflow', () => {
    expect(passAtK({ n: 10_000, c: 1, k: 5_000 })).toBeCloseTo(0.5, 9);
  });

  test.each([
    { n: 2, c: 3, k: 1 },
    { n: 2, c: 1, k: 3 },
    { n: 2, c: 1, k: 0 },
    { n: 2.5, c: 1, k: 1 },
  ])('refuses %j', (wrong) => {
    expect(() => passAtK(wrong)).toThrow(/whole numbers 0 ≤ c ≤ n and 1 ≤ k ≤ n/);
  });
});

describe('policyDatum', () => {
  const prompt = ModelInput.fromTokens([1, 2, 3]);
  const sample = {
    tokens: Int32Array.of(7, 8),
    logprobs: Float32Array.of(-0.5, -0.25),
    stopReason: 'stop',
  } as const;

  test('predicts the sampled tokens, and counts nothing before them', () => {
    const { modelInput, lossFnInputs } = policyDatum({ prompt, sample }, [2, -1]);
    expect(modelInput.tokens()).toEqual(Int32Array.of(1, 2, 3, 7));
    expect(lossFnInputs).toEqual({
      targetTokens: Int32Array.of(2, 3, 7, 8),
      logprobs: Float32Array.of(0, 0, -0.5, -0.25),
      advantages: Float32Array.of(0, 0, 2, -1),
    });
  });

  test('gives one advantage to all tokens', () => {
    expect(policyDatum({ prompt, sample }, 3).lossFnInputs?.advantages).toEqual(Float32Array.of(0, 0, 3, 3));
  });

  test('refuses samples without logprobs, and another number of advantages', () => {
    const { tokens, stopReason } = sample;
    expect(() => policyDatum({ prompt, sample: { tokens, stopReason } }, 1)).toThrow(
      /logprob for each of 2 .* got none/,
    );
    expect(() => policyDatum({ prompt, sample }, [1])).toThrow(/an advantage for each of 2 sampled tokens/);
  });
});
