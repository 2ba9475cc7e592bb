import { evaluateCustomLoss } from '../../../src/losses/evaluation.js';
import { lastValueFrom } from 'rxjs';
import { expect, test } from 'vitest';
import { dpoLoss } from '../../../src/training/recipes/index.js';
import { type Datum, ModelInput, TensorData } from '../../../src/wire/index.js';

const datum = (ref: readonly number[], weights: readonly number[]): Datum => ({
  modelInput: ModelInput.fromTokens([1, 2]),
  lossFnInputs: { targetTokens: [2, 3], weights, ref },
});
const tensor = (values: readonly number[]): TensorData => new TensorData(Float32Array.from(values), [2]);

test('is −log σ of the margin of each pair, and so is its gradient', async () => {
  const beta = 0.5;
  const data = [datum([-1, -2], [0, 1]), datum([-1, -1], [0, 1]), datum([-3, -1], [1, 1]), datum([-1, -1], [1, 1])];
  // r: −1 + 2 = 1 and −3 + 1 = −2, a margin of 1.5; −1 − 0 = −1 and 0 + 0.5 = 0.5, a margin of −0.75.
  const logprobs = [tensor([-9, -1]), tensor([-9, -3]), tensor([-4, -1]), tensor([-1, -0.5])];
  const margins = [beta * 3, beta * -1.5];
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

  const { loss, metrics, gradients } = await lastValueFrom(evaluateCustomLoss(dpoLoss({ beta }), data, logprobs));

  expect(loss).toBeCloseTo(
    margins.reduce((sum, margin) => sum - Math.log(sigmoid(margin)), 0),
    6,
  );
  expect(metrics['accuracy:mean']).toBe(0.5);
  expect(metrics['margin:mean']).toBeCloseTo((1.5 - 0.75) / 2, 6);
  const [first = NaN, second = NaN] = margins.map((margin) => -beta * sigmoid(-margin));
  const wanted = [
    [0, first],
    [0, -first],
    [second, second],
    [-second, -second],
  ];
  gradients.forEach((gradient, index) => {
    expect(Array.from(gradient)).toEqual(wanted[index]?.map((value) => expect.closeTo(value, 6) as number));
  });
});

test('refuses a beta that is not above 0', () => {
  expect(() => dpoLoss({ beta: 0 })).toThrow(/beta to be > 0, got 0/);
});
