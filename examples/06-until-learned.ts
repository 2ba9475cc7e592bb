/**
 * A pipeline with its marble test: trains until the loss is low enough. 06-until-learned.test.ts shows under virtual
 * time, without a server, when it sends, when it stops, and what it does with a pause or an error.
 */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Observable, defer, forkJoin, lastValueFrom, map, repeat, switchMap, takeWhile, tap } from 'rxjs';
import { type Datum, ModelInput, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService } from 'rxtinker/local';

/** The loss of each step; the last is the first one at or below `target`, or that of step `most`. */
export const trainUntil = (
  training: TrainingClient,
  data: readonly Datum[],
  { target, most }: { readonly target: number; readonly most: number },
): Observable<number> =>
  defer(() =>
    forkJoin([training.forwardBackward(data, 'cross_entropy'), training.optimStep({ learningRate: 1e-2 })]),
  ).pipe(
    map(([{ metrics }]) => metrics['loss:sum'] ?? NaN),
    repeat(most),
    takeWhile((loss) => loss > target, true),
  );

if (argv[1] === fileURLToPath(import.meta.url)) {
  await using service = await localService();
  const text = 'The quick brown fox jumps over the lazy dog.';
  await lastValueFrom(
    usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 }, (training) =>
      ModelInput.fromText(text, { training }).pipe(
        switchMap((modelInput) => trainUntil(training, [{ modelInput }], { target: 1, most: 100 })),
        tap((loss) => console.log(`loss ${loss.toFixed(2)}`)),
      ),
    ),
  );
}
