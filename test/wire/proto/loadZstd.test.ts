import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadZstd, type Zstd } from '../../../src/wire/proto/loadZstd.js';

let zstd: Zstd;
beforeAll(async () => {
  zstd = await loadZstd();
});

/** A frame that does not tell its size, as streaming compressors write: one raw block. */
function streamedFrame(content: readonly number[]): Uint8Array {
  const header = (content.length << 3) | 1;
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, header & 0xff, (header >> 8) & 0xff, header >> 16, ...content);
}

describe('loadZstd', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        expect(Array.from(zstd.decompress(zstd.compress(bytes), 5000))).toEqual(Array.from(bytes));
      }),
    );
    const repeated = new Uint8Array(1_000_000).fill(7);
    const compressed = zstd.compress(repeated);
    expect(compressed.length).toBeLessThan(1000);
    expect(zstd.decompress(compressed, 1_000_000)).toHaveLength(1_000_000);
  });

  it('reads a frame that does not tell its size', () => {
    expect(zstd.decompress(streamedFrame([1, 2, 3]), 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => zstd.decompress(streamedFrame([1, 2, 3, 4]), 3)).toThrow();
  });

  it('refuses a frame that holds or declares more than the limit, before making room for it', () => {
    for (const size of [300, 70_000, 1_000_000]) {
      expect(() => zstd.decompress(zstd.compress(new Uint8Array(size)), size - 1)).toThrow(RangeError);
    }
    const huge = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0);
    expect(() => zstd.decompress(huge, 2 ** 26)).toThrow('declares 4294967296');
  });

  it('refuses bytes that are no frame, and frames that end early or lie about their size', () => {
    const compressed = zstd.compress(new Uint8Array(1000).fill(3));
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(1, 2, 3, 4, 5),
      compressed.subarray(0, 8),
      compressed.subarray(0, 4),
    ]) {
      expect(() => zstd.decompress(bytes, 1000)).toThrow();
    }
    const lying = Uint8Array.from(compressed);
    lying[5] = 1;
    expect(() => zstd.decompress(lying, 1000)).toThrow();
    expect(zstd.decompress(compressed, 1000)).toHaveLength(1000);
  });
});
