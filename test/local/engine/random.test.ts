import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/local/engine/random.js';

const take = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32());

describe('Random', () => {
  it('repeats itself for the same seed and stream, and for no other', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.nat(1000), (seed, other, stream) => {
        const numbers = take(new Random(seed, stream), 8);
        expect(take(new Random(seed, stream), 8)).toEqual(numbers);
        expect(take(new Random(seed, stream + 1), 8)).not.toEqual(numbers);
        if (other !== seed) expect(take(new Random(other, stream), 8)).not.toEqual(numbers);
      }),
    );
  });

  it('is uniform: 16 bins of 16000 draws within four standard deviations', () => {
    const random = new Random(1);
    const bins = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const bin = Math.floor(random.uniform() * 16);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(1000 * (15 / 16)));
  });

  it('draws normal numbers of mean 0, variance 1 and kurtosis 3', () => {
    const random = new Random(2);
    const draws = Array.from({ length: 20_000 }, () => random.normal());
    const moment = (power: number): number => draws.reduce((sum, draw) => sum + draw ** power, 0) / draws.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.03);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.04);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.3);
    expect(draws.every(Number.isFinite)).toBe(true);
  });
});
