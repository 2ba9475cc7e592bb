import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toFloat16 } from '../../../src/local/engine/float16.js';
import { storedNumbers } from '../../../src/local/engine/storedNumbers.js';

const read = (halves: Uint16Array<ArrayBuffer>): Float32Array => storedNumbers.F16.read(halves.buffer);

describe('toFloat16', () => {
  it('gives back every float16 number', () => {
    const halves = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter((half) => (half & 0x7fff) <= 0x7c00);
    expect(toFloat16(read(halves.slice()))).toEqual(halves);
    expect(read(toFloat16(Float32Array.of(NaN)))).toEqual(Float32Array.of(NaN));
  });

  it('takes the nearest number, and of two the even one', () => {
    const largest = 65_504;
    const real = fc.oneof(
      fc.float({ min: -largest, max: largest, noNaN: true }),
      fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true }),
    );
    fc.assert(
      fc.property(real, (value) => {
        const [half = NaN] = toFloat16(Float32Array.of(value));
        const [got = NaN] = read(Uint16Array.of(half));
        const distance = Math.abs(got - value);
        for (const neighbour of [half - 1, half + 1].filter((other) => (other & 0x7fff) < 0x7c00 && other >= 0)) {
          const [other = NaN] = read(Uint16Array.of(neighbour));
          const farther = Math.abs(other - value);
          expect(
            distance < farther || (distance === farther && half % 2 === 0) || Math.sign(other) !== Math.sign(value),
          ).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
    const ties = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65_519, 65_520);
    expect(read(toFloat16(ties))).toEqual(Float32Array.of(1, 1 + 2 ** -9, 0, 2 ** -23, 65_504, Infinity));
  });
});
