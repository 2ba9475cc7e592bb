/**
 * Reinforcement learning with verifiable rewards: the model learns to add. It is first fine-tuned to
 * answer in four ways, three of them wrong; which one is right it learns from rewards alone, held close to where it began.
 */
import { type Observable, concat, defer, ignoreElements, lastValueFrom, map, switchMap, tap, toArray } from 'rxjs';
import { type Tokenizer, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService } from 'rxtinker/local';
import { constant } from 'rxtinker/operators';
import { evaluate, reinforce } from 'rxtinker/training';
import { learnToGuess, problems } from './support/sums.js';

const model = { baseModel: 'rxtinker/tiny', rank: 32, seed: 1 };
const samplingParams = { maxTokens: 3, stop: '\n', seed: 1 };
const steps = 20;

const learn = (training: TrainingClient, tokenizer: Tokenizer): Observable<unknown> =>
  training.saveWeightsAndGetSamplingClient().pipe(
    switchMap((reference) =>
      reinforce(training, new Array(steps).fill(problems(tokenizer)), {
        groupSize: 32,
        samplingParams,
        normalize: true,
        kl: { reference, coefficient: 0.05 },
        adam: constant({ learningRate: 3e-4 }),
      }),
    ),
    tap(({ step, metrics }) => {
      const [reward, distance] = [metrics['reward:mean'], metrics['kl_reference:mean']];
      console.log(`step ${step + 1}  reward ${reward?.toFixed(2)}  KL to the start ${distance?.toFixed(2)}`);
    }),
  );

/** The mean reward of other samples than those that were trained on. */
const reward = (training: TrainingClient, tokenizer: Tokenizer): Observable<number> =>
  defer(() => training.saveWeightsAndGetSamplingClient()).pipe(
    switchMap((sampling) =>
      evaluate(sampling, problems(tokenizer), {
        groupSize: 32,
        samplingParams: { ...samplingParams, seed: 1_000_000 },
      }),
    ),
    map(({ metrics }) => metrics['reward:mean'] ?? NaN),
  );

await using service = await localService({ deterministic: true });

const [before = NaN, after = NaN] = await lastValueFrom(
  usingTrainingClient(service, model, (training) =>
    training
      .getTokenizer()
      .pipe(
        switchMap((tokenizer) =>
          concat(
            learnToGuess(training, tokenizer).pipe(ignoreElements()),
            reward(training, tokenizer),
            learn(training, tokenizer).pipe(ignoreElements()),
            reward(training, tokenizer),
          ),
        ),
      ),
  ).pipe(toArray()),
);

console.log(`Mean reward: ${before.toFixed(2)} before, ${after.toFixed(2)} after.`);
if (!(before < 0.3 && after > 0.8)) {
  console.error('The training did not work: expected a reward below 0.3 before and above 0.8 after.');
  process.exitCode = 1;
}
