/**
 * Training inside an app: notes arrive while the app runs, every two become a batch, and all that the screen shows is
 * one stream of states. Closing the app unsubscribes: nothing more is sent, and the model is unloaded.
 */
import * as rx from 'rxjs';
import { ModelInput, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { constant, everySteps, trainSteps } from 'rxtinker/operators';

interface Screen {
  readonly notes: number;
  readonly steps: number;
  readonly loss?: number;
}

/** Notes as somebody writes them, one every 0.3 s. */
const writing$ = rx.from(tinyPassages()).pipe(rx.concatMap(({ text }) => rx.of(text).pipe(rx.delay(300))));

/** Ten steps on some notes. */
const learn = (training: TrainingClient, notes: readonly string[]) =>
  rx.forkJoin(notes.map((note) => ModelInput.fromText(note, { training }))).pipe(
    rx.map((inputs) => Array.from({ length: 10 }, () => inputs.map((modelInput) => ({ modelInput })))),
    rx.switchMap((batches) =>
      trainSteps(training, batches, { loss: 'cross_entropy', adam: constant({ learningRate: 5e-3, warmup: 2 }) }),
    ),
  );

/** What happens changes the state of the screen; notes that arrive during a batch wait for their turn. */
const screen = (training: TrainingClient): rx.Observable<Screen> => {
  const notes$ = writing$.pipe(rx.share());
  const written$ = notes$.pipe(rx.map(() => ({ notes, ...rest }: Screen): Screen => ({ ...rest, notes: notes + 1 })));
  const learned$ = notes$.pipe(
    rx.bufferCount(2),
    rx.concatMap((notes) => learn(training, notes).pipe(everySteps(5))),
    rx.map(({ metrics }) => ({ notes, steps }: Screen): Screen => {
      const loss = (metrics['loss:sum'] ?? NaN) / (metrics['num_tokens:sum'] ?? NaN);
      return { notes, steps: steps + 5, loss };
    }),
  );
  const first: Screen = { notes: 0, steps: 0 };
  return rx.merge(written$, learned$).pipe(rx.scan((state, change) => change(state), first));
};

await using service = await localService();

const app$ = usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 }, screen);

await rx.lastValueFrom(
  app$.pipe(
    rx.tap(({ notes, steps, loss }) => {
      console.log(`${notes} notes, ${steps} steps, ${loss === undefined ? 'no loss yet' : `loss ${loss.toFixed(2)}`}`);
    }),
  ),
);
