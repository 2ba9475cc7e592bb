/**
 * On-policy distillation: a teacher has learned the rhymes from their text; the student never sees them. It writes, the
 * teacher says how likely each of its tokens is, and the student moves towards what the teacher finds likelier.
 */
import { type Observable, forkJoin, last, lastValueFrom, map, switchMap, tap, toArray } from 'rxjs';
import { ModelInput, type SamplingClient, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { constant, linearDecay } from 'rxtinker/operators';
import { distill, fineTune } from 'rxtinker/training';

const model = { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 };
const steps = 35;
const rhymes = tinyPassages().map(({ text }) => text);

const inputs = (texts: readonly string[], training: TrainingClient): Observable<readonly ModelInput[]> =>
  forkJoin(texts.map((text) => ModelInput.fromText(text, { training })));

/** A client of weights that know the rhymes. */
const learnFromText = (training: TrainingClient): Observable<SamplingClient> =>
  inputs(rhymes, training).pipe(
    map((texts) => texts.map((modelInput) => ({ modelInput }))),
    switchMap((data) =>
      fineTune(training, data, { batchSize: 8, epochs: 40, adam: linearDecay({ from: 1e-2, steps: 40, warmup: 3 }) }),
    ),
    last(),
    switchMap(() => training.saveWeightsAndGetSamplingClient()),
  );

/** The distance to the teacher at each step; the prompts are the rhymes' first words. */
const learnFromTeacher = (training: TrainingClient, teacher: SamplingClient): Observable<number> =>
  inputs(
    rhymes.map((text) => text.split(' ').slice(0, 3).join(' ')),
    training,
  ).pipe(
    switchMap((prompts) =>
      distill(training, teacher, new Array<readonly ModelInput[]>(steps).fill(prompts), {
        groupSize: 8,
        samplingParams: { maxTokens: 4, stop: [], seed: 1 },
        adam: constant({ learningRate: 5e-3 }),
      }),
    ),
    map(({ metrics }) => metrics['kl_reference:mean'] ?? NaN),
    tap((distance) => console.log(`KL(student ‖ teacher) ${distance.toFixed(2)} nats a token`)),
  );

await using service = await localService();

const distances = await lastValueFrom(
  usingTrainingClient(service, model, learnFromText).pipe(
    switchMap((teacher) => usingTrainingClient(service, model, (student) => learnFromTeacher(student, teacher))),
    toArray(),
  ),
);

/** The mean of three steps, since each samples anew. */
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const [before, after] = [mean(distances.slice(0, 3)), mean(distances.slice(-3))];

console.log(`KL to the teacher: ${before.toFixed(2)} at first, ${after.toFixed(2)} at last.`);
if (!(after <= before / 2)) {
  console.error('The training did not work: expected it to fall by half.');
  process.exitCode = 1;
}
