import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ArrayMemory } from '../../src/wire/arrayMemory.js';

it('gives arrays that share no element, of the lengths that were asked for', () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 5000, max: 40_000 })));
  fc.assert(
    fc.property(lengths, (wanted) => {
      const memory = new ArrayMemory();
      const arrays = wanted.map((length, index) => (index % 2 === 0 ? memory.int32(length) : memory.float32(length)));
      expect(arrays.map(({ length }) => length)).toEqual(wanted);
      arrays.forEach((array, index) => array.fill(index + 1));
      expect(arrays.every((array, index) => array.every((value) => value === index + 1))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('keeps a single array in memory of its size', () => {
  expect(new ArrayMemory().int32(10).buffer.byteLength).toBe(40);
  const memory = new ArrayMemory();
  const sizes = [10, 10, 10, 100_000].map((length) => memory.float32(length).buffer.byteLength);
  expect(sizes).toEqual([40, 80, 80, 400_000]);
});
