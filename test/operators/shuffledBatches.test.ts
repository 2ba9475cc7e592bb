import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shuffledBatches } from '../../operators/shuffledBatches.js';

const options = {
  items: fc.uniqueArray(fc.integer(), { maxLength: 20 }),
  batchSize: fc.integer({ min: 1, max: 8 }),
  epochs: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
};

it('gives each item once an epoch, in batches that are full but for the last', () => {
  fc.assert(
    fc.property(fc.record(options), ({ items, batchSize, epochs, seed }) => {
      const batches = [...shuffledBatches(items, { batchSize, epochs, seed })];
      const perEpoch = Math.ceil(items.length / batchSize);
      expect(batches).toHaveLength(perEpoch * epochs);
      for (let epoch = 0; epoch < epochs; epoch += 1) {
        const own = batches.slice(epoch * perEpoch, (epoch + 1) * perEpoch);
        expect(own.flat().sort()).toEqual([...items].sort());
        for (const batch of own.slice(0, -1)) expect(batch).toHaveLength(batchSize);
      }
    }),
  );
});

it('repeats its order at each iteration, and goes on in it from startStep', () => {
  fc.assert(
    fc.property(fc.record(options), fc.nat({ max: 10 }), ({ items, ...rest }, startStep) => {
      const batches = shuffledBatches(items, rest);
      expect([...batches]).toEqual([...batches]);
      expect([...shuffledBatches(items, { ...rest, startStep })]).toEqual([...batches].slice(startStep));
    }),
  );
});

it('has another order in another epoch and with another seed', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const [first, second] = [...shuffledBatches(items, { batchSize: 50, epochs: 2, seed: 1 })];
  const [other] = [...shuffledBatches(items, { batchSize: 50, seed: 2 })];
  expect(first).not.toEqual(items);
  expect(second).not.toEqual(first);
  expect(other).not.toEqual(first);
});

it.each([{ batchSize: 0 }, { batchSize: 1.5 }, { batchSize: 1, epochs: 0 }])('refuses %j', (wrong) => {
  expect(() => shuffledBatches([1], wrong)).toThrow(/to be a whole number ≥ 1/);
});
