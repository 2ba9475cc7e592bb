import { expect, it } from 'vitest';
import { cryptoRandom, uuid } from '../../src/transport/random.js';

it('uuid is of version 4 whatever the draws, and repeats with its seed', () => {
  for (const random of [cryptoRandom, () => 0, () => 1 - 2 ** -32]) {
    expect(uuid(random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(uuid(() => 0.4)).toBe(uuid(() => 0.4));
  expect(uuid(cryptoRandom)).not.toBe(uuid(cryptoRandom));
});

it('cryptoRandom lies in [0, 1) and fills it', () => {
  const draws = Array.from({ length: 1000 }, cryptoRandom);
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  expect(Math.max(...draws) - Math.min(...draws)).toBeGreaterThan(0.9);
});
