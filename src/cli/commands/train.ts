import path from 'node:path';
import { EMPTY, type Observable, connect, filter, fromEvent, lastValueFrom, map, merge, takeUntil, tap } from 'rxjs';
import type { ServiceClient } from '../../clients/service.js';
import type { TrainingClient } from '../../clients/training.js';
import { TinkerError } from '../../errors.js';
import type { CheckpointEntry } from '../../training/checkpointLog.js';
import { fileCheckpointLog } from '../../training/fileCheckpointLog.js';
import { lossTokens } from '../../training/lossTokens.js';
import { meanNll } from '../../training/meanNll.js';
import { metricsLog } from '../../training/metricsLog.js';
import { type ResumableEvent, resumable } from '../../training/resumable.js';
import type { Datum } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { Interrupted } from '../interrupted.js';
import { DEFAULT_DATA_DIR, openServer } from '../openServer.js';
import { counted, duration } from '../output/quantities.js';
import { shellWord } from '../output/shellWord.js';
import { EpochBatches } from '../training/epochBatches.js';
import { readDataset } from '../training/readDataset.js';
import type { RunFolder, RunSettings } from '../training/runFolder.js';
import { tokenizeFor } from '../training/tokenizeFor.js';
import { TrainProgress } from '../training/trainProgress.js';
import { type TrainOptions, scheduleOf, trainSettings } from '../training/trainSettings.js';

/** Fine-tunes a model on a file of examples, or goes on with a run that was interrupted. */
export async function run(context: CommandContext, options: TrainOptions): Promise<void> {
  const { folder, settings: chosen, digest } = trainSettings(context, options);
  const dataset = readDataset(chosen.data);
  const heldOut = chosen.eval === undefined ? undefined : readDataset(chosen.eval);
  if (digest !== undefined && digest !== dataset.digest) {
    throw new TinkerError(
      'invalid_config',
      `The data in ${chosen.data} are not those that the run was started with. Bring them back, or start a new run.`,
    );
  }
  const settings: RunSettings = { ...chosen, data_sha256: dataset.digest };
  await using service = await openServer(context, {
    ...(settings.base_url !== undefined && { baseUrl: settings.base_url }),
    ...(settings.data_dir !== undefined && { dataDir: settings.data_dir }),
    ...(settings.base_model !== undefined && { baseModel: settings.base_model }),
  });
  const tokenized = await tokenizeFor(context, service, settings, [
    dataset,
    ...(heldOut === undefined ? [] : [heldOut]),
  ]);
  const [data = [], test] = tokenized;
  folder.start(settings);
  await new TrainRun(context, service, folder, settings, data, test).run();
}

/** One stretch of a run, from its start or a checkpoint to its end or an interruption. */
class TrainRun {
  private readonly batches: EpochBatches<Datum>;
  private readonly testLosses = new Map<number, number>();
  private progress: TrainProgress;
  private last: CheckpointEntry | undefined;
  private losses: number[] = [];
  private startStep = 0;
  private isWaiting = false;

  constructor(
    private readonly context: CommandContext,
    private readonly service: ServiceClient,
    private readonly folder: RunFolder,
    private readonly settings: RunSettings,
    data: readonly Datum[],
    private readonly test: readonly Datum[] | undefined,
  ) {
    this.batches = new EpochBatches(data, { ...settings, batchSize: settings.batch_size });
    this.progress = new TrainProgress(context, this.batches.steps, 0);
  }

  async run(): Promise<void> {
    const { signal } = this.context;
    const asked = fromEvent(signal, 'abort').pipe(
      tap(() => {
        this.progress.event('stopping', {}, 'Finishing the step under way and saving; Ctrl-C again ends at once.');
      }),
      // While it waits to try again there is no step to finish.
      filter(() => this.isWaiting),
    );
    const started = performance.now();
    try {
      await lastValueFrom(this.events().pipe(takeUntil(asked)), { defaultValue: undefined });
    } finally {
      this.progress.end();
    }
    const done = this.last?.batch ?? 0;
    if (done < this.batches.steps) this.reportInterrupted(done);
    else this.reportFinished((performance.now() - started) / 1000);
  }

  private events(): Observable<unknown> {
    const { settings, folder, batches } = this;
    const adam = scheduleOf(settings, batches.steps);
    const run$ = resumable(this.service, {
      run: folder.name,
      log: fileCheckpointLog(folder.checkpointsFile),
      model: { baseModel: settings.model, rank: settings.rank, seed: settings.seed },
      batches: (startStep) => batches.from(startStep, this.context.signal),
      checkpointEvery: settings.save_every,
      loss: 'cross_entropy',
      adam,
      depth: 2,
      samplerWeights: true,
      after: (training) => [{ every: 1, do: ({ done }) => this.evaluate(training, done) }],
    });
    const isStep = (event: ResumableEvent): event is Extract<ResumableEvent, { type: 'step' }> => event.type === 'step';
    return run$.pipe(
      connect((events$) =>
        merge(
          events$.pipe(
            filter(isStep),
            metricsLog(folder.metricsFile, {
              more: ({ step, batch, forwardBackward }) => ({
                'progress/done_frac': (step + 1) / batches.steps,
                'optim/lr': adam(step).learningRate,
                train_mean_nll: meanNll(batch, forwardBackward),
                'test/nll': this.testLosses.get(step),
              }),
            }),
          ),
          events$.pipe(
            tap((event) => this.show(event, (step) => adam(step).learningRate)),
            map(() => undefined),
          ),
        ),
      ),
    );
  }

  /** The loss on the held-out data, where it is time for it. */
  private evaluate(training: TrainingClient, done: number): Observable<unknown> {
    const { test, batches, settings } = this;
    const every = settings.eval_every ?? batches.stepsPerEpoch;
    if (test === undefined || (done % every !== 0 && done !== batches.steps)) return EMPTY;
    return training.forward(test, 'cross_entropy').pipe(
      tap((output) => {
        this.testLosses.set(done - 1, meanNll(test, output));
      }),
    );
  }

  private show(event: ResumableEvent, learningRate: (step: number) => number): void {
    const { progress, batches, settings, context } = this;
    this.isWaiting = event.type === 'interrupted';
    switch (event.type) {
      case 'started': {
        const { step, from, training } = event;
        this.startStep = step;
        this.last = from;
        this.progress = new TrainProgress(context, batches.steps, step);
        // It never fails.
        training.queueState$.subscribe({
          next: (state) => {
            this.progress.queueState(state);
          },
          error: () => undefined,
        });
        const what = `${settings.model}, LoRA rank ${settings.rank}, ${counted(batches.steps, 'step')} of ${settings.batch_size}`;
        this.progress.event(
          'started',
          { step, steps: batches.steps, model: settings.model, output_dir: this.folder.directory },
          from === undefined
            ? `Training ${what}; logs in ${this.folder.directory}.`
            : `Going on at step ${step}: ${what}.`,
        );
        break;
      }
      case 'step': {
        const { step, batch, forwardBackward } = event;
        const loss = meanNll(batch, forwardBackward);
        const testLoss = this.testLosses.get(step);
        this.losses.push(loss);
        progress.step({
          ...{ step, loss, tokens: lossTokens(batch), learningRate: learningRate(step) },
          ...(testLoss !== undefined && { testLoss }),
        });
        break;
      }
      case 'interrupted':
        progress.event('retrying', { error: event.error.message, wait_ms: event.waitMs });
        break;
      case 'checkpoint':
      case 'finished':
        this.last = event.entry;
        if (event.type === 'checkpoint') progress.event('checkpoint', pathsOf(event.entry));
        break;
    }
  }

  private reportInterrupted(done: number): never {
    const { context, progress, folder, batches, last } = this;
    const how = `rxtinker train --resume ${shellWord(folder.directory)}`;
    const saved = last === undefined ? 'Nothing is saved yet.' : `Saved after step ${done} of ${batches.steps}.`;
    progress.event(
      'interrupted',
      { ...(last !== undefined && pathsOf(last)), resume: how },
      `${saved} Go on with:\n  ${how}`,
    );
    throw new Interrupted(context.signal.reason);
  }

  private reportFinished(seconds: number): void {
    const { context, progress, losses, last, settings } = this;
    const [first, final] = [losses[0], losses.at(-1)];
    const paths = last === undefined ? {} : pathsOf(last);
    progress.event('finished', { ...paths, ...(final !== undefined && { loss: final }), seconds });
    if (context.format === 'json' || last === undefined) return;
    const trained =
      first === undefined || final === undefined
        ? 'All steps were done already.'
        : `Trained ${counted(losses.length, 'step')} in ${duration(seconds)}: loss per token ${first.toFixed(3)} at first, ${final.toFixed(3)} at last.`;
    const server =
      settings.base_url !== undefined
        ? ` --base-url ${shellWord(settings.base_url)}`
        : settings.data_dir !== undefined && settings.data_dir !== path.resolve(DEFAULT_DATA_DIR)
          ? ` --data-dir ${shellWord(settings.data_dir)}`
          : '';
    const sample = `rxtinker sample --model ${last.samplerPath ?? last.statePath}${server} PROMPT`;
    context.stdout.write(
      `${trained}\nCheckpoint: ${last.statePath}\nFor sampling: ${last.samplerPath ?? '-'}\nSee what it writes:\n  ${sample}\n`,
    );
  }
}

function pathsOf({ batch, statePath, samplerPath }: CheckpointEntry) {
  return { steps_done: batch, state_path: statePath, sampler_path: samplerPath };
}
