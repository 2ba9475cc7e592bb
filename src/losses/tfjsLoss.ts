import { catchError, defer, from, type Observable, switchMap } from 'rxjs';
import type { Datum } from '../wire/datum.js';
import type { TensorData } from '../wire/tensorData.js';
import { checkedResult } from './checkedResult.js';
import type { CustomLossResult } from './customLossResult.js';
import { asInvalidLoss, invalidLoss } from './invalidLoss.js';
import { independentOf } from './lossGraph.js';
import { type LossParts, type LossValue, readLossValue, type ScalarKind } from './lossValue.js';
import type { Tfjs } from './tfjs.js';

type Tensor = InstanceType<Tfjs['Tensor']>;
type Scalar = Tensor;

/** A loss over the whole batch in tfjs: the data, the logprobs of each as a tensor, and the module itself. */
export type TfjsFunction = (data: readonly Datum[], logprobs: readonly Tensor[], tf: Tfjs) => LossValue<Scalar>;

/** Options of {@link tfjsLoss}. */
export interface TfjsLossOptions {
  /** Gives the module; `import('@tensorflow/tfjs')` by default. Bundlers need it written out in the program. */
  readonly load?: () => PromiseLike<Tfjs>;
}

/** A {@link TfjsFunction}, marked by {@link tfjsLoss}. */
export interface TfjsLoss {
  readonly form: 'tfjs';
  readonly evaluate: TfjsFunction;
  /** Gives the module. */
  readonly load: () => PromiseLike<Tfjs>;
}

/** Not a literal, so that bundlers of programs without this optional package do not look for it. */
const packageName = ['@tensorflow', 'tfjs'].join('/');

/**
 * Makes a custom loss of a function in tfjs, an optional package that is loaded at the first use. Tensors are disposed.
 *
 * @example
 * ```ts
 * const loss = tfjsLoss((data, logprobs, tf) => ({ loss: tf.addN(logprobs.map((p) => p.square().sum())) }));
 * ```
 */
export function tfjsLoss(evaluate: TfjsFunction, options: TfjsLossOptions = {}): TfjsLoss {
  const { load = () => import(/* @vite-ignore */ packageName) as Promise<Tfjs> } = options;
  return { form: 'tfjs', evaluate, load };
}

/** Loads tfjs, calls the loss and differentiates by the logprobs of each datum. Errors: `invalid_loss`. */
export function evaluateTfjsLoss(
  loss: TfjsLoss,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): Observable<CustomLossResult> {
  return defer(loss.load).pipe(
    catchError((cause: unknown) => {
      throw invalidLoss(
        'Expected the optional package @tensorflow/tfjs for a tfjsLoss, which could not be imported. ' +
          'Install it with "npm install @tensorflow/tfjs", or write the loss with batchLoss, which needs no package.',
        cause,
      );
    }),
    switchMap((tf) => from(run(tf, loss.evaluate, data, logprobs))),
    catchError((error: unknown) => {
      throw asInvalidLoss(error);
    }),
  );
}

type Metrics = LossParts<Scalar>['metrics'];
type Outcome = { readonly metrics: Metrics } | { readonly error: unknown };

async function run(
  tf: Tfjs,
  evaluate: TfjsFunction,
  data: readonly Datum[],
  logprobs: readonly TensorData[],
): Promise<CustomLossResult> {
  await tf.ready();
  const kept: Tensor[] = [];
  try {
    let outcome: Outcome = { error: undefined };
    // A copy, so that disposing it leaves a tensor of the caller's alone.
    const keep = (metric: Scalar): Scalar => {
      const copy = tf.keep(metric.clone());
      kept.push(copy);
      return copy;
    };
    const forward = (inputs: readonly Tensor[]): Scalar => {
      try {
        const parts = readLossValue(evaluate(data, inputs, tf), scalarOf(tf));
        outcome = { metrics: mapMetrics(parts.metrics, keep) };
        return parts.loss;
      } catch (error) {
        outcome = { error };
        // Not thrown from here, because tfjs frees what it saved for the derivatives only after a backward pass.
        return tf.scalar(0);
      }
    };
    const { value, grads } = tf.tidy(() => {
      const inputs = logprobs.map((values) => values.toTensor<Tensor>(tf));
      // The engine's own entry, because tf.grads says that a gradient is missing but not whose.
      return tf.engine().gradients(() => forward(inputs), inputs, undefined, true);
    });
    const gradients: readonly (Tensor | null | undefined)[] = grads;
    const found = gradients.filter((gradient) => gradient !== null && gradient !== undefined);
    kept.push(value, ...found);
    const metrics = metricsOf(outcome);
    if (found.length < logprobs.length) throw independentOf(gradients.findIndex((gradient) => !gradient));
    const names = Object.keys(metrics);
    const numbers = await Promise.all(Object.values(metrics).map(numberOf));
    const result: CustomLossResult = {
      loss: await numberOf(value),
      gradients: await Promise.all(found.map(async (gradient) => Float32Array.from(await gradient.data()))),
      metrics: Object.fromEntries(names.map((name, i) => [name, numbers[i] ?? NaN])),
    };
    return checkedResult(result, [...logprobs.keys()]);
  } finally {
    tf.dispose(kept);
  }
}

function metricsOf(outcome: Outcome): Metrics {
  if ('error' in outcome) throw asInvalidLoss(outcome.error);
  return outcome.metrics;
}

function mapMetrics(metrics: Metrics, change: (metric: Scalar) => Scalar): Metrics {
  const entries = Object.entries(metrics);
  return Object.fromEntries(
    entries.map(([name, metric]) => [name, typeof metric === 'number' ? metric : change(metric)]),
  );
}

async function numberOf(value: Scalar | number): Promise<number> {
  return typeof value === 'number' ? value : ((await value.data())[0] ?? NaN);
}

function scalarOf(tf: Tfjs): ScalarKind<Scalar> {
  const isTensor = (value: unknown): value is Tensor => value instanceof tf.Tensor;
  return {
    name: 'tfjs tensor',
    shapeOf: (value) => (isTensor(value) ? value.shape : undefined),
    is: (value): value is Scalar => isTensor(value) && value.shape.length === 0,
  };
}
