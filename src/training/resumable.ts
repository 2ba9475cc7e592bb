import {
  EMPTY,
  type Observable,
  catchError,
  concat,
  concatMap,
  defer,
  endWith,
  finalize,
  forkJoin,
  map,
  merge,
  mergeMap,
  of,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';
import { type AfterStep, type Batches, type Schedule, type TrainStep, trainSteps } from '../../operators/index.js';
import type { CreateLoraOptions } from '../clients/createModel.js';
import type { ServiceClient } from '../clients/service.js';
import type { TrainingClient } from '../clients/training.js';
import { TinkerError, invalidArgument } from '../errors.js';
import type { AdamParams, Datum, ForwardBackwardOutput, LossConfig, LossName, OptimStepOutput } from '../wire/index.js';
import type { CheckpointEntry, CheckpointLog } from './checkpointLog.js';

/** A run that can be interrupted anywhere. */
export interface ResumableOptions {
  /** Begins the names of its checkpoints: `<run>-000020`. */
  readonly run: string;
  /** Where its checkpoints are written down; what is in it is where the run goes on. */
  readonly log: CheckpointLog;
  /** The model to make when there is no checkpoint yet. */
  readonly model: CreateLoraOptions;
  /** The batches from a step on; the same step, at the same weights of the model, must give the same batch each time. */
  readonly batches: (startStep: number, training: TrainingClient) => Batches<Datum>;
  /** Steps between two checkpoints. */
  readonly checkpointEvery: number;
  readonly loss: LossName;
  readonly lossConfig?: LossConfig;
  readonly adam?: AdamParams | Schedule<AdamParams>;
  readonly depth?: number;
  /** Saves the weights for sampling too, at each checkpoint; default false. */
  readonly samplerWeights?: boolean;
  /** What else must see the weights of one step, e.g. an evaluation; made for each stretch, with its model. */
  readonly after?: (training: TrainingClient) => readonly AfterStep[];
  /** Resumes without a new checkpoint in between, before the run fails; default 10. */
  readonly maxResumes?: number;
}

/** What happened in a resumable run. */
export type ResumableEvent =
  /** The run begins, or goes on from a checkpoint, with a model of its own for this stretch. */
  | {
      readonly type: 'started';
      readonly step: number;
      readonly from?: CheckpointEntry;
      /** For its streams and for samples beside the training; what it trains is the run's. */
      readonly training: TrainingClient;
    }
  /** A step is done; after a resume, steps since the checkpoint are done and told again. */
  | ({ readonly type: 'step' } & TrainStep<Datum, ForwardBackwardOutput, OptimStepOutput>)
  | { readonly type: 'checkpoint'; readonly entry: CheckpointEntry }
  /** Something failed that a resume can mend; the run goes on after `waitMs`. */
  | { readonly type: 'interrupted'; readonly error: TinkerError; readonly waitMs: number }
  /** All batches are applied and saved. */
  | { readonly type: 'finished'; readonly entry: CheckpointEntry };

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;

/**
 * Trains over failures: after one, and after a restart of the program, it goes back to the last checkpoint with its
 * optimizer and data position, so that in the history that survives no batch is applied twice and none is left out.
 *
 * Errors: what no resume can mend (a wrong argument, key or loss, a closed service, a user's error), and the last
 * failure after `maxResumes` without a new checkpoint. An unsubscribe unloads the model.
 *
 * @example
 * ```ts
 * resumable(service, {
 *   run: 'rhymes',
 *   log: fileCheckpointLog('checkpoints.jsonl'),
 *   model: { baseModel, rank: 8, seed: 1 },
 *   batches: (startStep) => batches.slice(startStep),
 *   checkpointEvery: 20,
 *   loss: 'cross_entropy',
 * }).subscribe((event) => console.log(event.type));
 * ```
 */
export function resumable(service: ServiceClient, options: ResumableOptions): Observable<ResumableEvent> {
  const { checkpointEvery, maxResumes = 10 } = options;
  if (!Number.isInteger(checkpointEvery) || checkpointEvery < 1) {
    throw invalidArgument('checkpointEvery to be a whole number ≥ 1', checkpointEvery);
  }
  return defer(() => {
    let resumes = 0;
    const attempt = (): Observable<ResumableEvent> =>
      runOnce(service, options).pipe(
        tap((event) => {
          if (event.type === 'checkpoint') resumes = 0;
        }),
        catchError((error: unknown) => {
          if (!(error instanceof TinkerError) || !canResume(error) || resumes >= maxResumes)
            return throwError(() => error);
          const waitMs = Math.min(FIRST_WAIT * 2 ** resumes++, LONGEST_WAIT);
          service.log.warn(
            `Run ${options.run} was interrupted (${error.code}): ${error.message} ` +
              `It goes on from the last checkpoint in ${waitMs / 1000} s.`,
          );
          return concat(
            of<ResumableEvent>({ type: 'interrupted', error, waitMs }),
            timer(waitMs, service.scheduler).pipe(mergeMap(attempt)),
          );
        }),
      );
    return attempt();
  });
}

/** One stretch of the run, from a checkpoint or the start to the end or a failure. */
function runOnce(service: ServiceClient, options: ResumableOptions): Observable<ResumableEvent> {
  return options.log.read().pipe(
    switchMap((entries) => openLatest(service, options, entries)),
    switchMap(({ training, entry }) => {
      const startStep = entry?.batch ?? 0;
      return concat(
        of<ResumableEvent>({
          type: 'started',
          step: startStep,
          training,
          ...(entry !== undefined && { from: entry }),
        }),
        train(training, options, startStep, entry),
      ).pipe(
        finalize(() => {
          service.finishLater(training.unloadModel());
        }),
      );
    }),
  );
}

interface Opened {
  readonly training: TrainingClient;
  readonly entry?: CheckpointEntry;
}

/** The newest checkpoint that the server still has; a new model where there is none. */
function openLatest(
  service: ServiceClient,
  options: ResumableOptions,
  entries: readonly CheckpointEntry[],
): Observable<Opened> {
  const entry = entries.at(-1);
  if (entry === undefined)
    return service.createLoraTrainingClient(options.model).pipe(map((training) => ({ training })));
  return service.createTrainingClientFromStateWithOptimizer(entry.statePath).pipe(
    map((training) => ({ training, entry })),
    catchError((error: unknown) => {
      if (!isUnusable(error)) return throwError(() => error);
      service.log.warn(
        `Checkpoint ${entry.statePath} can't be used any more: ${String(error)} Going back to the one before.`,
      );
      return openLatest(service, options, entries.slice(0, -1));
    }),
  );
}

function train(
  training: TrainingClient,
  options: ResumableOptions,
  startStep: number,
  opened: CheckpointEntry | undefined,
): Observable<ResumableEvent> {
  const { loss, lossConfig, adam, depth, checkpointEvery: every } = options;
  const checkpoints = new Subject<ResumableEvent>();
  const ended = new Subject<void>();
  let done = startStep;
  let last = opened;
  const saveSampler = (name: string): Observable<Pick<CheckpointEntry, 'samplerPath'>> =>
    options.samplerWeights === true
      ? training
          .saveWeightsForSampler({ path: name })
          .pipe(map((saved) => (saved.kind === 'path' ? { samplerPath: saved.path } : {})))
      : of({});
  const save = (batch: number): Observable<CheckpointEntry> => {
    const name = `${options.run}-${String(batch).padStart(6, '0')}`;
    return forkJoin([training.saveState(name, { overwrite: true }), saveSampler(name)]).pipe(
      map(([{ path }, sampler]): CheckpointEntry => ({ name, batch, statePath: path, ...sampler })),
      concatMap((entry) => options.log.append(entry).pipe(endWith(entry))),
      tap((entry) => {
        last = entry;
        checkpoints.next({ type: 'checkpoint', entry });
      }),
    );
  };
  const steps = trainSteps(training, options.batches(startStep, training), {
    loss,
    ...(lossConfig !== undefined && { lossConfig }),
    ...(adam !== undefined && { adam }),
    ...(depth !== undefined && { depth }),
    startStep,
    after: [...(options.after?.(training) ?? []), { every, do: (step) => save(step.done) }],
  }).pipe(
    tap(({ step }) => {
      done = step + 1;
    }),
    map((step): ResumableEvent => ({ type: 'step', ...step })),
  );
  // The last steps are saved too, unless a checkpoint fell on them.
  const finish = defer(() => (last?.batch === done ? of(last) : save(done))).pipe(
    take(1),
    map((entry): ResumableEvent => ({ type: 'finished', entry })),
  );
  const all = concat(
    steps,
    finish,
    defer(() => {
      ended.next();
      return EMPTY;
    }),
  );
  return merge(checkpoints.pipe(takeUntil(ended)), all);
}

/** Failures that another attempt from the last checkpoint can mend. */
function canResume(error: TinkerError): boolean {
  const cause = error.code === 'training_failed' && error.cause instanceof TinkerError ? error.cause : error;
  switch (cause.code) {
    case 'invalid_argument':
    case 'invalid_config':
    case 'invalid_loss':
    case 'bad_request':
    case 'unauthenticated':
    case 'permission_denied':
    case 'payment_required':
    case 'aborted':
    case 'closed':
    case 'training_failed':
    case 'not_recorded':
      return false;
    case 'request_failed':
      return cause.details.category !== 'user';
    default:
      return true;
  }
}

/** True where a checkpoint is gone or spoiled for good. */
function isUnusable(error: unknown): boolean {
  if (!(error instanceof TinkerError)) return false;
  return error.code === 'not_found' || (error.code === 'request_failed' && error.details.category === 'user');
}
