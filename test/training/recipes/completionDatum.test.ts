import { expect, test } from 'vitest';
import { completionDatum } from '../../../src/training/recipes/index.js';

test('trains on the completion only, from its first token on', () => {
  const { modelInput, lossFnInputs } = completionDatum([1, 2, 3], Int32Array.of(4, 5));
  expect(modelInput.tokens()).toEqual(Int32Array.of(1, 2, 3, 4));
  expect(lossFnInputs).toEqual({
    targetTokens: Int32Array.of(2, 3, 4, 5),
    weights: Float32Array.of(0, 0, 1, 1),
  });
});

test.each([
  [[], [1]],
  [[1], []],
])('refuses %j and %j', (prompt, completion) => {
  expect(() => completionDatum(prompt, completion)).toThrow(/a prompt and a completion of at least one token each/);
});
