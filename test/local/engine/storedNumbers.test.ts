import { describe, expect, it } from 'vitest';
import { storedNumbers } from '../../../src/local/engine/storedNumbers.js';

const halves = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/** Sign, exponent and fraction read as the standard says. */
function value(half: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const sign = half >> 15 === 0 ? 1 : -1;
  const exponent = (half & 0x7fff) >> fractionBits;
  const fraction = (half & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

describe('storedNumbers', () => {
  it.each([
    ['F16', 5],
    ['BF16', 8],
  ] as const)('reads every %s number exactly', (type, exponentBits) => {
    const read = storedNumbers[type].read(halves.slice().buffer);
    const wrong = halves.filter((half) => !Object.is(read[half], value(half, exponentBits)));
    expect([...wrong]).toEqual([]);
  });
});
