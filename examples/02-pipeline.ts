/** The training loop as a pipeline: batches in, a stream of metrics out. */
import { forkJoin, lastValueFrom, map, switchMap, tap } from 'rxjs';
import { type Datum, ModelInput, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { linearDecay, movingAverage, trainSteps } from 'rxtinker/operators';

await using service = await localService();

const steps = 24;

/** Two batches of four rhymes each, again and again: one is made when trainSteps asks for it. */
function* batches(data: readonly Datum[]) {
  for (let step = 0; step < steps; step += 1) yield step % 2 === 0 ? data.slice(0, 4) : data.slice(4);
}

const rhymes = (training: TrainingClient) =>
  forkJoin(tinyPassages().map(({ text }) => ModelInput.fromText(text, { training }))).pipe(
    map((inputs) => inputs.map((modelInput): Datum => ({ modelInput }))),
  );

// Nothing happens before the subscription; the model is unloaded when the stream ends, whatever ended it.
const pipeline$ = usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 }, (training) =>
  rhymes(training).pipe(
    switchMap((data) =>
      trainSteps(training, batches(data), {
        loss: 'cross_entropy',
        adam: linearDecay({ from: 1e-2, steps, warmup: 2 }),
        depth: 2,
      }),
    ),
    movingAverage('loss:sum', 4),
  ),
);

await lastValueFrom(
  pipeline$.pipe(
    tap(({ step, metrics }) =>
      console.log(
        `step ${step}  loss ${metrics['loss:sum']?.toFixed(1)}  average ${metrics['loss:sum:average']?.toFixed(1)}`,
      ),
    ),
  ),
);
