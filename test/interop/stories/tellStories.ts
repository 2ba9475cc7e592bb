import { defer, forkJoin, lastValueFrom, map, type Observable, switchMap, tap, toArray } from 'rxjs';
import { constant, trainSteps } from '../../../operators/index.js';
import { ModelInput, type SamplingClient, type TrainingClient, usingTrainingClient } from '../../../src/index.js';
import { localService, tinyText } from '../../../src/local/index.js';
import { installStories } from './installStories.js';

/** What a run of the model found out; losses in nats a token. */
export interface Findings {
  readonly story: string;
  /** The model's loss on the story that it told. */
  readonly storyLoss: number;
  /** The loss on other text before each step of the fine-tuning. */
  readonly losses: readonly number[];
  readonly storyAfter: string;
}

const baseModel = 'karpathy/stories15M';
const prompt = '<s>Once upon a time, there was a little girl named Lily.';
export const steps = 10;

/** Lets stories15M tell a story, fine-tunes it on a page of another book with rank 8, and lets it go on after that. */
export async function tellStories(show: (line: string) => void): Promise<Findings> {
  const directory = installStories();
  show(`${baseModel} from ${directory}`);
  await using service = await localService({ baseModels: { [baseModel]: directory } });
  return await lastValueFrom(
    usingTrainingClient(service, { baseModel, rank: 8, seed: 1 }, (training) =>
      tell(training, show).pipe(
        tap(({ story }) => {
          show(`\n${story}\n`);
        }),
        switchMap(({ story, storyLoss }) =>
          fineTune(training).pipe(
            tap(({ step, loss }) => {
              show(`step ${String(step)}  loss ${loss.toFixed(3)}`);
            }),
            map(({ loss }) => loss),
            toArray(),
            switchMap((losses) =>
              tell(training, show).pipe(map(({ story: storyAfter }) => ({ story, storyLoss, losses, storyAfter }))),
            ),
          ),
        ),
        tap(({ storyAfter }) => {
          show(`\n${storyAfter}\n`);
        }),
      ),
    ),
  );
}

const sampler = (training: TrainingClient): Observable<SamplingClient> =>
  defer(() => training.saveWeightsAndGetSamplingClient());

/** A story, greedily, and the loss on it of the model that told it. */
function tell(
  training: TrainingClient,
  show: (line: string) => void,
): Observable<{ story: string; storyLoss: number }> {
  return forkJoin([sampler(training), ModelInput.fromText(prompt, { training })]).pipe(
    switchMap(([sampling, input]) => {
      const began = performance.now();
      return sampling.sample({ prompt: input, samplingParams: { maxTokens: 160, temperature: 0 } }).pipe(
        switchMap(({ sequences: [first] }) => {
          const tokens = first?.tokens ?? new Int32Array();
          const seconds = (performance.now() - began) / 1000;
          show(`${String(tokens.length)} tokens, ${(tokens.length / seconds).toFixed(0)} tokens/s`);
          const whole = ModelInput.fromTokens([...input.tokens(), ...tokens]);
          return forkJoin([training.decode(whole.tokens()), sampling.computeLogprobs(whole)]);
        }),
      );
    }),
    map(([text, logprobs]) => {
      const known = logprobs.filter((logprob) => !Number.isNaN(logprob));
      const storyLoss = -known.reduce((sum, logprob) => sum + logprob, 0) / known.length;
      return { story: text.replaceAll(/<\/?s>/g, '').trim(), storyLoss };
    }),
  );
}

/** Ten steps on eight paragraphs of _Alice_. */
function fineTune(training: TrainingClient): Observable<{ step: number; loss: number }> {
  const paragraphs = tinyText()
    .split('\n\n')
    .filter((text) => text.length > 200 && text.length < 400)
    .slice(0, 8);
  return forkJoin(paragraphs.map((text) => ModelInput.fromText(`<s>${text}`, { training }))).pipe(
    switchMap((inputs) => {
      const batch = inputs.map((modelInput) => ({ modelInput }));
      return trainSteps(
        training,
        Array.from({ length: steps }, () => batch),
        {
          loss: 'cross_entropy',
          adam: constant({ learningRate: 2e-3, warmup: 2 }),
          depth: 1,
        },
      );
    }),
    map(({ step, metrics }) => ({ step, loss: (metrics['loss:sum'] ?? NaN) / (metrics['num_tokens:sum'] ?? NaN) })),
  );
}
