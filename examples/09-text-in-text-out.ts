/** Text in, text out: prompts are a stream, all are sampled at the same time, and texts come out. */
import { type Observable, forkJoin, from, last, lastValueFrom, map, mergeMap, switchMap, tap } from 'rxjs';
import { ModelInput, type SamplingClient, type ServiceClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { trainSteps } from 'rxtinker/operators';

/** Three ways to go on after a prompt. */
const continuations = (sampling: SamplingClient, prompt: string): Observable<readonly string[]> =>
  ModelInput.fromText(prompt, { tokenizer: sampling }).pipe(
    switchMap((input) =>
      sampling.sample({
        prompt: input,
        numSamples: 3,
        samplingParams: { maxTokens: 24, temperature: 0.8, topP: 0.95, seed: 7 },
      }),
    ),
    switchMap(({ sequences }) => forkJoin(sequences.map(({ tokens }) => sampling.decode(tokens)))),
  );

/** A client of weights that have learned the rhymes a little. */
const trained = (service: ServiceClient): Observable<SamplingClient> =>
  service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 16, seed: 1 }).pipe(
    switchMap((training) =>
      forkJoin(tinyPassages().map(({ text }) => ModelInput.fromText(text, { training }))).pipe(
        map((inputs) => Array.from({ length: 12 }, () => inputs.map((modelInput) => ({ modelInput })))),
        switchMap((batches) => trainSteps(training, batches, { loss: 'cross_entropy', adam: { learningRate: 5e-3 } })),
        last(),
        switchMap(() => training.saveWeightsAndGetSamplingClient()),
      ),
    ),
  );

await using service = await localService();

const sampling = await lastValueFrom(trained(service));
const prompts$ = from(['Jack and Jill went', 'Hey diddle diddle,', 'Little Miss']);

await lastValueFrom(
  prompts$.pipe(
    mergeMap((prompt) =>
      continuations(sampling, prompt).pipe(
        map((texts) => texts.map((text) => `${prompt}${text}`.replaceAll('\n', ' / '))),
      ),
    ),
    tap((texts) => console.log(texts.join('\n'))),
  ),
);
