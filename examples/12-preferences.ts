/**
 * Direct preference optimization: of two ways to go on after the first line of a rhyme, the rhyme's own is the chosen
 * one, and the second line of another rhyme the rejected one.
 */
import { lastValueFrom, map, switchMap, tap } from 'rxjs';
import { type Tokenizer, usingTrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { constant, movingAverage } from 'rxtinker/operators';
import { type Preference, completionDatum, dpo } from 'rxtinker/training';

const rhymes = tinyPassages().map(({ text }) => {
  const [first = '', second = ''] = text.split('\n');
  return { first: `${first}\n`, second };
});

/** Each rhyme's second line beside that of each of the next three rhymes. */
const preferences = (tokenizer: Tokenizer): readonly Preference[] =>
  rhymes.flatMap(({ first, second }, index) =>
    [1, 2, 3].map((next) => {
      const goesOn = (line: string) => completionDatum(tokenizer.encode(first), tokenizer.encode(line));
      return { chosen: goesOn(second), rejected: goesOn(rhymes[(index + next) % rhymes.length]?.second ?? '') };
    }),
  );

await using service = await localService();

const accuracy = await lastValueFrom(
  usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 }, (training) =>
    training.getTokenizer().pipe(
      switchMap((tokenizer) =>
        dpo(training, preferences(tokenizer), {
          batchSize: 8,
          epochs: 10,
          beta: 0.1,
          adam: constant({ learningRate: 2e-3 }),
        }),
      ),
      movingAverage('accuracy:mean', 3),
      tap(({ step, metrics }) => {
        const [loss = NaN, margin] = [metrics['loss:sum'], metrics['margin:mean']];
        console.log(`step ${step + 1}  loss ${(loss / 8).toFixed(3)}  margin ${margin?.toFixed(2)}`);
      }),
      map(({ metrics }) => metrics['accuracy:mean:average'] ?? NaN),
    ),
  ),
);

console.log(`The chosen line is preferred in ${(100 * accuracy).toFixed(0)} of 100 pairs.`);
if (!(accuracy > 0.9)) {
  console.error('The training did not work: expected more than 90.');
  process.exitCode = 1;
}
