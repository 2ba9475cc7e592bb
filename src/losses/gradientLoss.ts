import { catchError, defer, from, isObservable, map, type Observable, of, take, throwIfEmpty } from 'rxjs';
import { describe } from '../errors.js';
import type { Datum } from '../wire/datum.js';
import { TensorData } from '../wire/tensorData.js';
import { checkedResult } from './checkedResult.js';
import type { CustomLossResult } from './customLossResult.js';
import { asInvalidLoss, invalidLoss } from './invalidLoss.js';

/** A loss with its derivatives, as a {@link GradientFunction} gives it. */
export interface LossWithGradients {
  readonly loss: number;
  /** ∂loss/∂logprobs, one a datum: as many numbers as its logprobs, or a tensor of their shape. */
  readonly gradients: readonly (ArrayLike<number> | TensorData)[];
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Computes a loss and its derivatives from float32 logprobs, one tensor a datum; here, or elsewhere and later. */
export type GradientFunction = (
  data: readonly Datum[],
  logprobs: readonly TensorData[],
) => LossWithGradients | PromiseLike<LossWithGradients> | Observable<LossWithGradients>;

/** A {@link GradientFunction}, marked by {@link gradientLoss}. */
export interface GradientLoss {
  readonly form: 'gradient';
  readonly evaluate: GradientFunction;
}

/**
 * Makes a custom loss of a function that knows its own derivatives. An Observable's first value counts.
 *
 * @example
 * ```ts
 * // −Σ logprobs: each derivative is −1.
 * const loss = gradientLoss((_, logprobs) => ({
 *   loss: -logprobs.flatMap((p) => p.toArray()).reduce((a, b) => a + b, 0),
 *   gradients: logprobs.map((p) => new Float32Array(p.length).fill(-1)),
 * }));
 * ```
 */
export function gradientLoss(evaluate: GradientFunction): GradientLoss {
  return { form: 'gradient', evaluate };
}

/** Calls the function and checks what it gives. Errors: `invalid_loss`. */
export function evaluateGradientLoss(
  loss: GradientLoss,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): Observable<CustomLossResult> {
  return defer(() => {
    const returned = loss.evaluate(data, logprobs);
    return isObservable(returned) || isPromiseLike(returned) ? from(returned) : of(returned);
  }).pipe(
    take(1),
    throwIfEmpty(() =>
      invalidLoss('Expected a loss with gradients, got an Observable that completed without a value.'),
    ),
    map((value) => checkedResult(read(value, logprobs), [...logprobs.keys()])),
    catchError((error: unknown) => {
      throw asInvalidLoss(error);
    }),
  );
}

function isPromiseLike(value: unknown): value is PromiseLike<LossWithGradients> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** Checks at run time too: what the function returns may come from a worker, a wasm module or plain JavaScript. */
function read(value: unknown, logprobs: readonly TensorData[]): CustomLossResult {
  const { loss, gradients, metrics = {} } = fieldsOf(value);
  if (typeof loss !== 'number') throw invalidLoss(`Expected a loss as a number, got ${describe(loss)}.`);
  if (!Array.isArray(gradients) || gradients.length !== logprobs.length)
    throw invalidLoss(`Expected gradients as an array of ${logprobs.length}, one a datum, got ${describe(gradients)}.`);
  if (typeof metrics !== 'object' || metrics === null)
    throw invalidLoss(`Expected metrics as a record of numbers, got ${describe(metrics)}.`);
  const read = Object.entries(metrics).map(([name, metric]: [string, unknown]): [string, number] => {
    if (typeof metric === 'number') return [name, metric];
    throw invalidLoss(`Expected metric ${name} as a number, got ${describe(metric)}.`);
  });
  return {
    loss,
    gradients: logprobs.map((like, index) => readGradient(gradients[index], like, index)),
    metrics: Object.fromEntries(read),
  };
}

function fieldsOf(value: unknown): { readonly [Key in keyof LossWithGradients]?: unknown } {
  if (typeof value === 'object' && value !== null) return value;
  throw invalidLoss(`Expected { loss, gradients }, got ${describe(value)}.`);
}

function readGradient(gradient: unknown, like: TensorData, index: number): Float32Array {
  const expected = `a gradient of shape [${like.shape.join(', ')}] for data[${index}], like its logprobs`;
  if (gradient instanceof TensorData && gradient.shape.join() !== like.shape.join())
    throw invalidLoss(`Expected ${expected}, got one of shape [${gradient.shape.join(', ')}].`);
  const values = gradient instanceof TensorData ? gradient.data : gradient;
  if (!isNumbers(values)) throw invalidLoss(`Expected ${expected}, got ${describe(gradient)}.`);
  if (values.length !== like.length) throw invalidLoss(`Expected ${expected}, got ${values.length} numbers.`);
  return Float32Array.from(values, Number);
}

function isNumbers(value: unknown): value is ArrayLike<number | bigint> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}
