import { Observable, type SchedulerLike, Subscription, firstValueFrom, tap } from 'rxjs';
import { TinkerError, invalidArgument } from '../errors.js';
import type { OperationProgress } from './operationProgress.js';
import type { OperationState } from './operationState.js';

/** How long a Promise of an operation's result may wait, and what ends it early. */
export interface ResultOptions {
  /** Milliseconds, from the call. */
  readonly timeoutMs?: number;
  /** Detaches this caller only; the operation goes on for others. */
  readonly signal?: AbortSignal;
}

/**
 * One call to the server: an Observable that emits one value and completes.
 *
 * Lazy and sent at most once: nothing is sent before the first subscription, and every later subscriber shares the one
 * result. To send again, call the method again, e.g. `defer(() => training.optimStep()).pipe(retry(2))`.
 *
 * @example
 * ```ts
 * const output = await training.forwardBackward(data, 'cross_entropy').result({ timeoutMs: 60_000 });
 * console.log(output.metrics['loss:sum']);
 * ```
 */
// eslint-disable-next-line rxjs-x/no-subclass -- it pipes as an Observable, and carries progress and a Promise of its result
export class Operation<T> extends Observable<T> {
  /** The field's name of the operation, e.g. `forward_backward`. */
  readonly type: string;
  /** Where the operation stands: the latest at once, then each change; subscribing never starts the operation. */
  get progress$(): Observable<OperationProgress> {
    return (this.#progress ??= new Observable((subscriber) => {
      this.#state.watch(subscriber);
    }));
  }

  // Not for who logs an operation: the state leads to the whole client.
  readonly #state: Pick<OperationState<unknown, T>, 'watch'>;
  #progress: Observable<OperationProgress> | undefined;

  /** @internal */
  constructor(
    type: string,
    state: Pick<OperationState<unknown, T>, 'attach' | 'watch'>,
    private readonly scheduler: SchedulerLike,
  ) {
    super((subscriber) => {
      state.attach(subscriber);
    });
    this.type = type;
    this.#state = state;
  }

  /**
   * The result as a Promise; subscribes at once.
   *
   * Errors: `result_timeout` after `timeoutMs`, `aborted` by the signal (both leave the operation to its other
   * subscribers), and whatever the operation fails with.
   */
  result(options: ResultOptions = {}): Promise<T> {
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw invalidArgument('timeoutMs to be a number of milliseconds ≥ 0', timeoutMs);
    }
    if (timeoutMs === undefined && signal === undefined) return firstValueFrom(this);
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(detached(this.type, 'its signal was aborted', 'aborted', signal.reason));
        return;
      }
      const started = this.scheduler.now();
      const waiting = new Subscription();
      let last: OperationProgress | undefined;
      const end = (tell: () => void): void => {
        if (waiting.closed) return;
        waiting.unsubscribe();
        tell();
      };
      if (signal !== undefined) {
        const abort = (): void => {
          end(() => {
            reject(detached(this.type, 'its signal was aborted', 'aborted', signal.reason));
          });
        };
        signal.addEventListener('abort', abort, { once: true });
        waiting.add(() => {
          signal.removeEventListener('abort', abort);
        });
      }
      if (timeoutMs !== undefined) {
        const late = (): void => {
          end(() => {
            const waited = `${String(this.scheduler.now() - started)} ms passed (${standing(last)})`;
            reject(detached(this.type, waited, 'result_timeout'));
          });
        };
        waiting.add(this.scheduler.schedule(late, timeoutMs));
        waiting.add(this.progress$.pipe(tap((progress) => (last = progress))).subscribe());
      }
      waiting.add(
        this.subscribe({
          next: (value) => {
            end(() => {
              resolve(value);
            });
          },
          error: (error: unknown) => {
            end(() => {
              reject(error instanceof Error ? error : new Error(String(error)));
            });
          },
        }),
      );
    });
  }
}

function standing(progress: OperationProgress | undefined): string {
  if (progress === undefined) return 'not started';
  switch (progress.type) {
    case 'queueState':
      return `queue state ${progress.state}${progress.reason === undefined ? '' : `: ${progress.reason}`}`;
    case 'sent':
      return progress.seqIds.length === 0 ? 'sent' : `sent with seq_id ${progress.seqIds.join(', ')}`;
    case 'chunk':
      return `sent chunk ${String(progress.chunk)} of ${String(progress.chunks)} with seq_id ${String(progress.seqId)}`;
    default:
      return progress.type;
  }
}

function detached(type: string, why: string, code: 'aborted' | 'result_timeout', cause?: unknown): TinkerError {
  return new TinkerError(
    code,
    `No longer waiting for ${type}: ${why}. The operation itself is not cancelled; subscribe again to go on waiting.`,
    { cause },
  );
}
