import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokensText } from '../../src/wire/tokensText.js';

describe('tokensText', () => {
  it('writes tokens as join does', () => {
    const tokens = fc.array(fc.nat(0x7fffffff), { maxLength: 300 }).map((array) => Int32Array.from(array));
    fc.assert(
      fc.property(tokens, (array) => {
        expect(tokensText(array)).toBe(array.join(','));
      }),
      { examples: [[Int32Array.of()], [Int32Array.of(0)], [Int32Array.of(0x7fffffff, 0, 10, 9)]] },
    );
  });

  it('writes prompts of any length', () => {
    const long = new Int32Array(10_000).fill(0x7fffffff);
    expect(tokensText(long)).toBe(long.join(','));
  });
});
