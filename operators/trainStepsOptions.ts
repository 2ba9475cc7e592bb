import type { ObservableInput } from 'rxjs';
import { invalidArgument } from '../src/errors.js';
import { checkEvery } from './isEvery.js';
import type { Metrics } from './reduceMetrics.js';
import type { Schedule } from './schedule.js';

/** One step that is done. */
export interface TrainStep<D, O, P> {
  /** Counts from `startStep`, by default 0. */
  readonly step: number;
  readonly batch: readonly D[];
  /** Metrics of the pass and of the optimizer step; of two of the same name the optimizer's. */
  readonly metrics: Metrics;
  readonly forwardBackward: O;
  readonly optimStep: P;
}

/** Something that must see the weights of just one step, e.g. a checkpoint. */
export interface AfterStep {
  /** Runs after each so many steps, counted from step 0: for 20 after the steps 19, 39, … */
  readonly every: number;
  /** Subscribed to right after the optimizer step. `done` is the number of steps applied then, `step` + 1. */
  readonly do: (context: { readonly step: number; readonly done: number }) => ObservableInput<unknown>;
}

/** How {@link trainSteps} trains. */
export interface TrainStepsOptions<L, A, C = unknown> {
  /** Name of a loss of the server, or a custom loss. */
  readonly loss: L;
  /** Settings of a loss given by name. */
  readonly lossConfig?: C;
  /** Parameters of each optimizer step; default: those of `optimStep`. */
  readonly adam?: A | Schedule<A>;
  /** Steps under way at once; default 1. */
  readonly depth?: number;
  /** Number of the first step, e.g. of a resumed run: as many as are done; default 0. */
  readonly startStep?: number;
  readonly after?: readonly AfterStep[];
}

/** @throws TinkerError `invalid_argument` */
export function checkTrainStepsOptions({
  depth = 1,
  startStep = 0,
  after = [],
}: Pick<TrainStepsOptions<unknown, unknown>, 'depth' | 'startStep' | 'after'>): void {
  if (!Number.isInteger(depth) || depth < 1) throw invalidArgument('depth to be a whole number ≥ 1', depth);
  if (!Number.isInteger(startStep) || startStep < 0)
    throw invalidArgument('startStep to be a whole number ≥ 0', startStep);
  for (const { every } of after) checkEvery(every);
}
