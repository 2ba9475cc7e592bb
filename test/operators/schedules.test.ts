import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constant } from '../../operators/constant.js';
import { cosineDecay } from '../../operators/cosineDecay.js';
import { linearDecay } from '../../operators/linearDecay.js';

const ratesOf = (schedule: (step: number) => { learningRate: number }, steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => schedule(step).learningRate);
const close = (expected: number[]) => expected.map((rate) => expect.closeTo(rate, 12) as number);

describe('constant', () => {
  it('keeps its rate after a linear warm-up', () => {
    expect(ratesOf(constant({ learningRate: 3 }), 3)).toEqual([3, 3, 3]);
    expect(ratesOf(constant({ learningRate: 4, warmup: 3 }), 5)).toEqual(close([1, 2, 3, 4, 4]));
  });
});

describe('linearDecay', () => {
  it('falls in a straight line to 0, or to what is asked, and stays there', () => {
    expect(ratesOf(linearDecay({ from: 8, steps: 4 }), 6)).toEqual(close([8, 6, 4, 2, 0, 0]));
    expect(ratesOf(linearDecay({ from: 8, to: 4, steps: 4 }), 6)).toEqual(close([8, 7, 6, 5, 4, 4]));
  });

  it('rises during the warm-up, which is a part of its steps', () => {
    expect(ratesOf(linearDecay({ from: 6, steps: 6, warmup: 2 }), 8)).toEqual(close([2, 4, 6, 4.5, 3, 1.5, 0, 0]));
    expect(ratesOf(linearDecay({ from: 4, to: 1, steps: 3, warmup: 3 }), 5)).toEqual(close([1, 2, 3, 1, 1]));
  });
});

describe('cosineDecay', () => {
  it('falls by half a cosine', () => {
    expect(ratesOf(cosineDecay({ from: 10, to: 2, steps: 4 }), 6)).toEqual(
      close([10, 6 + 4 * Math.SQRT1_2, 6, 6 - 4 * Math.SQRT1_2, 2, 2]),
    );
    expect(ratesOf(cosineDecay({ from: 4, steps: 5, warmup: 3 }), 6)).toEqual(close([1, 2, 3, 4, 2, 0]));
  });
});

describe.each([
  ['linearDecay', linearDecay],
  ['cosineDecay', cosineDecay],
])('%s', (_, decay) => {
  it('passes other parameters on, and leaves its own out', () => {
    const schedule = decay({ from: 1, to: 1, steps: 2, warmup: 1, weightDecay: 0.1, beta1: 0.5 });
    expect(schedule(1)).toEqual({ learningRate: 1, weightDecay: 0.1, beta1: 0.5 });
  });

  it('stays between its ends, rises while warming up and never after', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 1, max: 50 }), fc.nat(50), (one, other, steps, warm) => {
        const [to, from] = one < other ? [one, other] : [other, one];
        const warmup = Math.min(warm, steps);
        const rates = ratesOf(decay({ from, to, steps, warmup }), steps + 3);
        rates.forEach((value, step) => {
          expect(value).toBeGreaterThanOrEqual(step < warmup ? 0 : to - 1e-12);
          expect(value).toBeLessThanOrEqual(from + 1e-12);
          const before = rates[step - 1] ?? 0;
          if (step < warmup) expect(value).toBeGreaterThanOrEqual(before);
          else if (step > warmup) expect(value).toBeLessThanOrEqual(before + 1e-12);
        });
        expect(rates.slice(steps)).toEqual(close([to, to, to]));
      }),
    );
  });

  it('refuses rates and steps out of range', () => {
    expect(() => decay({ from: -1, steps: 1 })).toThrow('Expected from to be a learning rate ≥ 0, got -1.');
    expect(() => decay({ from: 1, to: NaN, steps: 1 })).toThrow('Expected to to be a learning rate ≥ 0, got NaN.');
    expect(() => decay({ from: 1, steps: 0 })).toThrow('Expected steps to be a whole number ≥ 1, got 0.');
    expect(() => decay({ from: 1, steps: 4, warmup: 5 })).toThrow('Expected warmup to be a whole number from 0 to 4');
    expect(() => constant({ learningRate: Infinity })).toThrow('Expected learningRate to be a learning rate ≥ 0');
    expect(() => constant({ learningRate: 1, warmup: 0.5 })).toThrow('Expected warmup to be a whole number');
  });
});

it('constant passes other parameters on', () => {
  expect(constant({ learningRate: 2, warmup: 0, eps: 1 })(0)).toEqual({ learningRate: 2, eps: 1 });
});
