import {
  EMPTY,
  type Observable,
  catchError,
  defer,
  endWith,
  forkJoin,
  from,
  ignoreElements,
  map,
  mergeMap,
  tap,
  throwError,
  throwIfEmpty,
} from 'rxjs';
import { TinkerError, invalidArgument } from '../src/errors.js';
import { isEvery } from './isEvery.js';
import type { Schedule } from './schedule.js';
import type { AnyTrainable, Optimizable, WithMetrics } from './trainable.js';
import type { TrainStep, TrainStepsOptions } from './trainStepsOptions.js';

/** Makes runners of steps, one a subscription, whose pass is the one that the loss asks for. */
export function makeStepRunner<
  D,
  L extends string,
  F extends object,
  A,
  O extends WithMetrics,
  P extends WithMetrics,
  C,
>(training: AnyTrainable<D, L, F, A, O, P, C>, options: TrainStepsOptions<L | F, A, C>): () => StepRunner<D, A, O, P> {
  const forwardBackward = passOf(training, options);
  return () => new StepRunner(training, forwardBackward, options);
}

function passOf<D, L extends string, F extends object, A, O extends WithMetrics, P extends WithMetrics, C>(
  training: AnyTrainable<D, L, F, A, O, P, C>,
  { loss, lossConfig }: TrainStepsOptions<L | F, A, C>,
): (batch: readonly D[]) => Observable<O> {
  if (isName(loss)) {
    const pass = training.forwardBackward?.bind(training);
    if (pass === undefined) throw invalidArgument('training to have forwardBackward', training);
    return (batch) => (lossConfig === undefined ? pass(batch, loss) : pass(batch, loss, { lossConfig }));
  }
  const pass = training.forwardBackwardCustom?.bind(training);
  if (pass === undefined) throw invalidArgument('training to have forwardBackwardCustom for a custom loss', training);
  return (batch) => pass(batch, loss);
}

/** Runs the steps of one pipeline, and knows what to say when one fails. */
export class StepRunner<D, A, O extends WithMetrics, P extends WithMetrics> {
  private nextStep: number;
  private lastApplied: number;
  private readonly underWay = new Set<number>();

  constructor(
    private readonly training: Optimizable<A, P>,
    private readonly forwardBackward: (batch: readonly D[]) => Observable<O>,
    private readonly options: Pick<TrainStepsOptions<unknown, A>, 'adam' | 'after' | 'startStep'>,
  ) {
    this.nextStep = options.startStep ?? 0;
    this.lastApplied = this.nextStep - 1;
  }

  /** One step: pass, optimizer step and what comes after are subscribed to at once, in this order. */
  run(batch: readonly D[]): Observable<TrainStep<D, O, P>> {
    return defer(() => {
      const step = this.nextStep++;
      return defer(() => this.send(step, batch)).pipe(
        catchError((error: unknown) => throwError(() => this.failure(step, error))),
      );
    });
  }

  /** The error of a pipeline whose batches failed. */
  batchesFailed(error: unknown): TinkerError {
    return this.failure(this.nextStep, error);
  }

  private send(step: number, batch: readonly D[]): Observable<TrainStep<D, O, P>> {
    // Both calls come before the first subscription: a wrong argument of either sends nothing.
    const forwardBackward = this.forwardBackward(batch);
    const optimStep = this.optimStep(step);
    this.underWay.add(step);
    let failed = false;
    // forkJoin goes on subscribing after a source that fails at once.
    const unlessFailed = <T>(operation: Observable<T>, name: string): Observable<T> =>
      defer(() => (failed ? EMPTY : operation.pipe(throwIfEmpty(() => noResult(name, step))))).pipe(
        tap({ error: () => (failed = true) }),
      );
    return forkJoin([
      unlessFailed(forwardBackward, 'forwardBackward'),
      unlessFailed(optimStep, 'optimStep').pipe(
        tap(() => {
          this.lastApplied = Math.max(this.lastApplied, step);
        }),
      ),
      unlessFailed(this.after(step), 'after'),
    ]).pipe(
      map(([pass, optimized]) => ({
        step,
        batch,
        metrics: { ...pass.metrics, ...optimized.metrics },
        forwardBackward: pass,
        optimStep: optimized,
      })),
      tap(() => this.underWay.delete(step)),
    );
  }

  private optimStep(step: number): Observable<P> {
    const { adam } = this.options;
    if (adam === undefined) return this.training.optimStep();
    return this.training.optimStep(isSchedule(adam) ? adam(step) : adam);
  }

  private after(step: number): Observable<undefined> {
    const due = (this.options.after ?? []).filter(({ every }) => isEvery(every, step));
    return from(due).pipe(
      mergeMap((hook) => hook.do({ step, done: step + 1 })),
      ignoreElements(),
      endWith(undefined),
    );
  }

  private failure(failedStep: number, cause: unknown): TinkerError {
    const sent = [...this.underWay];
    const applied = this.lastApplied < 0 ? 'No step is' : `Steps up to ${String(this.lastApplied)} are`;
    const unknown =
      sent.length === 0 ? '' : `; of the steps ${sent.join(', ')}, which were sent, the outcome is unknown`;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new TinkerError(
      'training_failed',
      `Training failed at step ${String(failedStep)}: ${message.replace(/\.$/, '')}. ` +
        `${applied} known to be applied${unknown}. Nothing more is sent; go on from the last checkpoint.`,
      { cause, details: { failedStep, lastStepKnownApplied: this.lastApplied, sent } },
    );
  }
}

function isName<L extends string>(loss: L | object): loss is L {
  return typeof loss === 'string';
}

function isSchedule<A>(adam: A | Schedule<A>): adam is Schedule<A> {
  return typeof adam === 'function';
}

function noResult(name: string, step: number): TinkerError {
  return new TinkerError(
    'invalid_response',
    `Expected a result of ${name} of step ${String(step)}, got a stream that completed without one.`,
  );
}
