import { expect, it } from 'vitest';
import { SpareMemory } from '../../../src/wire/proto/spareMemory.js';

it('gives what it was given, once, where that is large enough', () => {
  const memory = new SpareMemory();
  const first = memory.take(100_000);
  expect(first.length).toBeGreaterThanOrEqual(100_000);
  memory.give(first.buffer);
  expect(memory.take(100_001).buffer).toBe(first.buffer);
  expect(memory.take(100_000).buffer).not.toBe(first.buffer);
  memory.give(first.buffer);
  expect(memory.take(1_000_000).length).toBeGreaterThanOrEqual(1_000_000);
});

it('keeps nothing that is small', () => {
  const memory = new SpareMemory();
  const first = memory.take(10);
  expect(first).toHaveLength(10);
  memory.give(first.buffer);
  expect(memory.take(10).buffer).not.toBe(first.buffer);
});
