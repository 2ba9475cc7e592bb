/**
 * Evaluation and best of n: a model that mostly answers wrong. One sample is seldom right; of eight one mostly is, and a
 * verifier finds it.
 */
import { type Observable, concatMap, forkJoin, ignoreElements, lastValueFrom, concat, map, switchMap, tap } from 'rxjs';
import { type SamplingClient, type Tokenizer, usingTrainingClient } from 'rxtinker';
import { localService } from 'rxtinker/local';
import { bestOfN, evaluate } from 'rxtinker/training';
import { learnToGuess, problems } from './support/sums.js';

const samplingParams = { maxTokens: 3, stop: '\n', seed: 1 };

/** The share of sums whose best of eight samples is right. */
const bestOfEight = (sampling: SamplingClient, tokenizer: Tokenizer): Observable<number> =>
  forkJoin(problems(tokenizer).map((problem) => bestOfN(sampling, problem, { groupSize: 8, samplingParams }))).pipe(
    map((best) => best.reduce((sum, { reward }) => sum + reward, 0) / best.length),
  );

await using service = await localService();

const result$ = usingTrainingClient(service, { baseModel: 'rxtinker/tiny', rank: 32, seed: 1 }, (training) =>
  training.getTokenizer().pipe(
    switchMap((tokenizer) =>
      concat(
        learnToGuess(training, tokenizer).pipe(ignoreElements()),
        training.saveWeightsAndGetSamplingClient().pipe(
          concatMap((sampling) =>
            forkJoin({
              evaluation: evaluate(sampling, problems(tokenizer), { groupSize: 32, passAt: [1, 4, 8], samplingParams }),
              best: bestOfEight(sampling, tokenizer),
            }),
          ),
        ),
      ),
    ),
    tap(({ evaluation: { groups } }) => {
      const answers = groups[0]?.map(({ reward }) => (reward === 1 ? 'right' : 'wrong')) ?? [];
      console.log(`Samples of the first sum: ${answers.slice(0, 8).join(', ')}`);
    }),
  ),
);

const { evaluation, best } = await lastValueFrom(result$);
const single = evaluation.metrics['pass@1'] ?? NaN;

for (const [name, value] of Object.entries(evaluation.metrics)) console.log(name.padEnd(12), value.toFixed(2));
console.log(`Right at once: ${single.toFixed(2)}; best of eight: ${best.toFixed(2)}.`);
if (!(best >= 2 * single)) {
  console.error('Best of eight should be right at least twice as often as one sample.');
  process.exitCode = 1;
}
