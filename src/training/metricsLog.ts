import { type MonoTypeOperatorFunction, type SchedulerLike, asyncScheduler, concatMap, defer, from, map } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Datum } from '../wire/index.js';
import { lossTokens } from './lossTokens.js';

/** A step as `trainSteps` and `resumable` give it. */
export interface LoggedStep {
  readonly step: number;
  readonly batch: readonly Datum[];
  readonly metrics: Readonly<Record<string, number>>;
}

/** Options of {@link metricsLog}. */
export interface MetricsLogOptions<T> {
  /** Further keys of a line, or others in place of its own, e.g. `{ 'optim/lr': 1e-4, 'test/nll': 2.3 }`. */
  readonly more?: (value: T) => Readonly<Record<string, number | string | undefined>>;
  /** Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

/**
 * Writes each step to a file, one JSON object a line, as the tinker cookbook does: `step`, `progress/batch`,
 * `num_sequences`, `num_tokens`, `num_loss_tokens`, `train_mean_nll` (nats a token), `time/total` (seconds since the
 * line before), and the step's metrics by their own names.
 *
 * A step is emitted when its line is written; lines are added to those that are there. Errors: `invalid_config` for a
 * file that can't be written, and those of the source.
 *
 * @example
 * ```ts
 * trainSteps(training, batches, { loss: 'cross_entropy' }).pipe(metricsLog('metrics.jsonl'));
 * ```
 */
export function metricsLog<T extends LoggedStep>(
  file: string,
  options: MetricsLogOptions<T> = {},
): MonoTypeOperatorFunction<T> {
  const { more = () => ({}), scheduler = asyncScheduler } = options;
  return (source) =>
    defer(() => {
      let before = scheduler.now();
      return source.pipe(
        concatMap((value) => {
          const now = scheduler.now();
          const line = JSON.stringify({ ...lineOf(value), 'time/total': (now - before) / 1000, ...more(value) });
          before = now;
          return from(append(file, `${line}\n`)).pipe(map(() => value));
        }),
      );
    });
}

function lineOf({ step, batch, metrics }: LoggedStep): Record<string, number> {
  const tokens = lossTokens(batch);
  const loss = metrics['loss:sum'];
  return {
    step,
    'progress/batch': step,
    num_sequences: batch.length,
    num_tokens: batch.reduce((sum, { modelInput }) => sum + modelInput.length, 0),
    num_loss_tokens: tokens,
    ...(loss !== undefined && tokens > 0 && { train_mean_nll: loss / tokens }),
    ...metrics,
  };
}

async function append(file: string, text: string): Promise<void> {
  const { appendFile } = await import('node:fs/promises');
  try {
    await appendFile(file, text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TinkerError('invalid_config', `The metrics' file ${file} can't be written: ${why}. Choose another.`, {
      cause,
    });
  }
}
