/**
 * `npm start`: fine-tunes a small model of fairy tales on eight nursery rhymes, and lets it go on from the same three
 * words before and after. The embedded server trains the LoRA adapter on this machine's processor, and is spoken to over
 * HTTP.
 */
import { styleText } from 'node:util';
import { type Observable, concat, forkJoin, lastValueFrom, map, switchMap, tap, toArray } from 'rxjs';
import { type Datum, ModelInput, type SavedSamplerWeights, type TrainingClient, usingTrainingClient } from 'rxtinker';
import { localService, tinyPassages } from 'rxtinker/local';
import { linearDecay, throughput, trainSteps } from 'rxtinker/operators';

const model = { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 };
const prompt = 'Humpty Dumpty sat';
const steps = 40;
const dataDir = '.rxtinker';

/** The rhymes as one batch; each ends as the model's own texts do. */
const rhymes = (training: TrainingClient): Observable<readonly Datum[]> =>
  forkJoin(tinyPassages().map(({ text }) => ModelInput.fromText(`${text}<|endoftext|>`, { training }))).pipe(
    map((inputs) => inputs.map((modelInput) => ({ modelInput }))),
  );

/** Trains on all rhymes at every step; emits the loss per token of each. */
const fineTune = (training: TrainingClient): Observable<number> =>
  rhymes(training).pipe(
    switchMap((batch) =>
      trainSteps(training, new Array<readonly Datum[]>(steps).fill(batch), {
        loss: 'cross_entropy',
        adam: linearDecay({ from: 5e-3, steps, warmup: 5 }),
        depth: 2,
      }),
    ),
    throughput({ tokens: ({ metrics }) => metrics['num_tokens:sum'] ?? 0 }),
    map(({ step, metrics }) => {
      const tokens = metrics['num_tokens:sum'] ?? NaN;
      const speed = metrics.tokens_per_second ?? NaN;
      const done = step + 1;
      return { done, loss: (metrics['loss:sum'] ?? NaN) / tokens, speed, left: ((steps - done) * tokens) / speed };
    }),
    tap(showProgress),
    map(({ loss }) => loss),
  );

/** How the model, as trained so far, goes on after the prompt. */
const sample = (training: TrainingClient): Observable<string> =>
  forkJoin([training.saveWeightsAndGetSamplingClient(), ModelInput.fromText(prompt, { training })]).pipe(
    switchMap(([sampling, input]) =>
      sampling.sample({ prompt: input, samplingParams: { maxTokens: 64, temperature: 0 } }),
    ),
    switchMap(({ sequences: [first] }) => training.decode(first?.tokens ?? [])),
  );

/** One line that is written over where somebody watches; a line for every tenth step where nobody does. */
function showProgress({ done, loss, speed, left }: Record<'done' | 'loss' | 'speed' | 'left', number>): void {
  const full = Math.round((done / steps) * 20);
  const bar = '━'.repeat(full) + styleText('dim', '─'.repeat(20 - full));
  const numbers = `loss ${loss.toFixed(3)}  ${speed.toFixed(0)} tokens/s  ${left.toFixed(0)} s left`;
  const line = `step ${String(done).padStart(2)}/${steps}  ${bar}  ${numbers}`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}\u001B[K${done === steps ? '\n' : ''}`);
  else if (done === 1 || done % 10 === 0) console.log(line);
}

const showSample = (title: string) => (text: string) => {
  const whole = styleText('bold', prompt) + text.replace('<|endoftext|>', '').trimEnd();
  console.log(`\n${title}\n${whole.replace(/^/gm, '    ')}\n`);
};

function showResult(losses: readonly number[]): void {
  const [first = NaN, last = NaN] = [losses[0], losses.at(-1)];
  console.log(`Loss per token: ${first.toFixed(3)} at first, ${last.toFixed(3)} at last.`);
  if (last <= first / 2) return;
  console.error('The training did not work: expected the last loss to be at most half of the first.');
  process.exitCode = 1;
}

const showSaved = (saved: SavedSamplerWeights): void => {
  if (saved.kind === 'path') console.log(`Saved the weights as ${saved.path} (in ${dataDir}).`);
};

console.log(
  `Fine-tuning ${model.baseModel} on nursery rhymes, on this machine: ${steps} steps, LoRA rank ${model.rank}.`,
);

await using service = await localService({ dataDir });

await lastValueFrom(
  usingTrainingClient(service, model, (training) =>
    concat(
      sample(training).pipe(tap(showSample('Before:'))),
      fineTune(training).pipe(toArray(), tap(showResult)),
      sample(training).pipe(tap(showSample('After:'))),
      training.saveWeightsForSampler({ path: 'rhymes' }).pipe(tap(showSaved)),
    ),
  ),
);
