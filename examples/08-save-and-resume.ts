/**
 * Saving and resuming: a run that is saved after five steps and goes on in another session has the same losses, to the
 * last bit, as one that never stopped. Without the optimizer's state it has others.
 */
import { type Observable, concat, forkJoin, ignoreElements, lastValueFrom, map, switchMap, toArray } from 'rxjs';
import { ModelInput, type ServiceClient, type TrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { linearDecay, trainSteps } from 'rxtinker/operators';

const model = { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 };

/** The losses of the steps from `startStep` to before `end`; the learning rate depends on the number of the step. */
const losses = (training: TrainingClient, startStep: number, end: number): Observable<readonly number[]> =>
  forkJoin(tinyPassages().map(({ text }) => ModelInput.fromText(text, { training }))).pipe(
    map((inputs) => Array.from({ length: end - startStep }, () => inputs.map((modelInput) => ({ modelInput })))),
    switchMap((batches) =>
      trainSteps(training, batches, {
        loss: 'cross_entropy',
        adam: linearDecay({ from: 1e-2, steps: 10 }),
        startStep,
      }),
    ),
    map(({ metrics }) => metrics['loss:sum'] ?? NaN),
    toArray(),
  );

/** Each run has a session and a server of its own; what they share is the directory of the checkpoints. */
async function inSession<T>(run: (service: ServiceClient) => Observable<T>): Promise<T> {
  await using service = await localService({ dataDir: '.rxtinker' });
  return await lastValueFrom(run(service));
}

const whole = await inSession((service) =>
  service.createLoraTrainingClient(model).pipe(switchMap((training) => losses(training, 0, 10))),
);

const { path } = await inSession((service) =>
  service
    .createLoraTrainingClient(model)
    .pipe(
      switchMap((training) => concat(losses(training, 0, 5).pipe(ignoreElements()), training.saveState('after-5'))),
    ),
);

const resumed = await inSession((service) =>
  service.createTrainingClientFromStateWithOptimizer(path).pipe(switchMap((training) => losses(training, 5, 10))),
);

const withoutOptimizer = await inSession((service) =>
  service.createTrainingClientFromState(path).pipe(switchMap((training) => losses(training, 5, 10))),
);

console.log('saved as', path);
console.log('never stopped    ', whole.slice(5));
console.log('resumed          ', resumed);
console.log('without optimizer', withoutOptimizer);
