/**
 * Fine-tuning on conversations: a renderer turns messages into tokens and says which of them are trained on, `fineTune`
 * makes shuffled batches, and the same renderer asks the model and reads its answer.
 */
import { type Observable, concat, forkJoin, ignoreElements, lastValueFrom, map, switchMap, tap } from 'rxjs';
import { type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService } from 'rxtinker/local';
import { everySteps, linearDecay } from 'rxtinker/operators';
import { type ChatRenderer, type Message, chatRenderer, fineTune, recommendedRenderer } from 'rxtinker/training';

const model = { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 };
const steps = 60;

const questions: readonly (readonly [string, string])[] = [
  ['Who are you?', 'A very small model.'],
  ['Where do you live?', 'On this machine.'],
  ['What do you like?', 'Streams.'],
  ['Are you big?', 'Not at all.'],
];

const ask = (question: string): Message => ({ role: 'user', content: question });
const answer = (content: string): Message => ({ role: 'assistant', content });

const learn = (training: TrainingClient, renderer: ChatRenderer): Observable<unknown> =>
  fineTune(
    training,
    questions.map(([question, reply]) =>
      renderer.datum([ask(question), answer(reply)], { trainOn: 'last_assistant_message' }),
    ),
    { batchSize: 4, epochs: steps, depth: 2, adam: linearDecay({ from: 5e-3, steps, warmup: 5 }) },
  ).pipe(
    everySteps(10),
    tap(({ step, metrics }) => console.log(`step ${step + 1}  loss per token ${metrics['loss:mean']?.toFixed(3)}`)),
  );

/** The model's answers, in the order of the questions. */
const answers = (training: TrainingClient, renderer: ChatRenderer): Observable<readonly string[]> =>
  training.saveWeightsAndGetSamplingClient().pipe(
    switchMap((sampling) =>
      forkJoin(
        questions.map(([question]) =>
          sampling.sample({
            prompt: renderer.generationPrompt([ask(question)]),
            samplingParams: { maxTokens: 32, temperature: 0, stop: renderer.stop },
          }),
        ),
      ),
    ),
    map((outputs) =>
      outputs.map(({ sequences: [first] }) => renderer.parseResponse(first?.tokens ?? []).message.content),
    ),
  );

await using service = await localService();

const replies = await lastValueFrom(
  usingTrainingClient(service, model, (training) =>
    training.getTokenizer().pipe(
      map((tokenizer) => chatRenderer(recommendedRenderer(model.baseModel), tokenizer)),
      switchMap((renderer) => concat(learn(training, renderer).pipe(ignoreElements()), answers(training, renderer))),
    ),
  ),
);

questions.forEach(([question], index) => console.log(`\n> ${question}\n${replies[index]}`));
if (questions.some(([, reply], index) => replies[index] !== reply)) {
  console.error('\nThe training did not work: expected the answers that were trained on.');
  process.exitCode = 1;
}
