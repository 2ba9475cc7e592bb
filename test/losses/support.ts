import { firstValueFrom } from 'rxjs';
import { expect } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { evaluateCustomLoss } from '../../src/losses/evaluation.js';
import { type CustomLoss, type CustomLossResult, type Expression, type PerDatumLoss } from '../../src/losses/index.js';
import { type Datum, ModelInput, TensorData, type TensorInput } from '../../src/wire/index.js';

/** A datum of n positions with the given inputs beside its targets. */
export function datum(length: number, inputs: Readonly<Record<string, TensorInput>> = {}): Datum {
  const tokens = Array.from({ length }, (_, i) => i + 1);
  return { modelInput: ModelInput.fromTokens(tokens), lossFnInputs: { targetTokens: tokens, ...inputs } };
}

/** Logprobs of one datum. */
export function logprobs(...values: number[]): TensorData {
  return new TensorData(Float32Array.from(values));
}

/** The result of a custom loss. */
export function run(
  loss: CustomLoss,
  data: readonly Datum[],
  values: readonly TensorData[],
): Promise<CustomLossResult> {
  return firstValueFrom(evaluateCustomLoss(loss, data, values));
}

/** Expects an `invalid_loss` whose message has all of the words; gives it back. */
export async function expectInvalid(
  loss: CustomLoss,
  data: readonly Datum[],
  values: readonly TensorData[],
  ...words: string[]
): Promise<TinkerError> {
  const error: unknown = await run(loss, data, values).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof TinkerError)) throw new Error(`Expected a TinkerError, got ${String(error)}`);
  expect(error).toMatchObject({ code: 'invalid_loss', retryable: false });
  for (const word of words) expect(error.message).toContain(word);
  return error;
}

/** Checks gradients against central differences of a loss in plain numbers. */
export function expectGradients(
  gradients: readonly Float32Array[],
  points: readonly (readonly number[])[],
  plain: (points: readonly (readonly number[])[]) => number,
): void {
  const step = 1e-5;
  gradients.forEach((gradient, at) => {
    expect(gradient).toHaveLength(points[at]?.length ?? NaN);
    gradient.forEach((actual, position) => {
      const [up = NaN, down = NaN] = [step, -step].map((change) =>
        plain(points.map((p, i) => (i === at ? p.map((x, j) => (j === position ? x + change : x)) : p))),
      );
      const expected = (up - down) / (2 * step);
      expect(Math.abs(actual - expected)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected)));
    });
  });
}

/** Runs an expression of one datum's logprobs and checks value and gradient against plain numbers. */
export async function expectLike(
  loss: (logprobs: Expression, ...others: Expression[]) => Expression,
  plain: (logprobs: readonly number[], ...others: readonly number[][]) => number,
  values: readonly number[],
  ...others: readonly number[][]
): Promise<void> {
  // Rounded as the loss sees them, so that both sides start from the same numbers.
  const point = Array.from(Float32Array.from(values));
  const rounded = others.map((other) => Array.from(Float32Array.from(other)));
  const inputs = Object.fromEntries(rounded.map((other, i) => [`other${String(i)}`, Float32Array.from(other)]));
  const perDatum: PerDatumLoss = (given) =>
    loss(
      given.logprobs,
      ...rounded.map((_, i) => {
        const other = given[`other${String(i)}`];
        if (other === undefined) throw new Error('no such input');
        return other;
      }),
    );
  const result = await run(perDatum, [datum(point.length, inputs)], [logprobs(...point)]);
  const expected = plain(point, ...rounded);
  expect(Math.abs(result.loss - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
  expectGradients(result.gradients, [point], ([p = []]) => plain(p, ...rounded));
}
