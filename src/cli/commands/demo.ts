import { type Observable, concat, forkJoin, ignoreElements, switchMap, tap } from 'rxjs';
import { linearDecay, trainSteps } from '../../../operators/index.js';
import type { TrainingClient } from '../../clients/training.js';
import { usingTrainingClient } from '../../clients/usingTrainingClient.js';
import { localService, tinyPassages } from '../../local/index.js';
import { lossTokens } from '../../training/lossTokens.js';
import { meanNll } from '../../training/meanNll.js';
import { type Datum, ModelInput } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { style } from '../output/style.js';
import { TrainProgress } from '../training/trainProgress.js';

const model = { baseModel: 'rxtinker/tiny', rank: 16, seed: 1 };
const prompt = 'Humpty Dumpty sat';
const steps = 40;

/** Trains a small model on eight nursery rhymes, and lets it go on from the same words before and after. */
export async function run(context: CommandContext): Promise<void> {
  context.notice(`Fine-tuning ${model.baseModel} on nursery rhymes, on this machine: ${steps} steps, LoRA rank 16.`);
  await using service = await localService({ service: { log: context.log } });
  const progress = new TrainProgress(context, steps, 0);
  await context.wait(
    usingTrainingClient(service, model, (training) =>
      concat(
        sample(context, training, 'Before'),
        fineTune(training, progress).pipe(
          tap({
            complete: () => {
              progress.end();
            },
          }),
        ),
        sample(context, training, 'After'),
      ),
    ),
  );
}

/** Trains on all rhymes at every step. */
function fineTune(training: TrainingClient, progress: TrainProgress): Observable<never> {
  const adam = linearDecay({ from: 5e-3, steps, warmup: 5 });
  const rhymes = tinyPassages().map(({ text }) => ModelInput.fromText(`${text}<|endoftext|>`, { training }));
  return forkJoin(rhymes).pipe(
    switchMap((inputs) => {
      const batch: Datum[] = inputs.map((modelInput) => ({ modelInput }));
      return trainSteps(training, new Array<readonly Datum[]>(steps).fill(batch), {
        loss: 'cross_entropy',
        adam,
        depth: 2,
      });
    }),
    tap(({ step, batch, forwardBackward }) => {
      const loss = meanNll(batch, forwardBackward);
      progress.step({ step, loss, tokens: lossTokens(batch), learningRate: adam(step).learningRate });
    }),
    ignoreElements(),
  );
}

/** Shows how the model, as trained so far, goes on after the prompt. */
function sample(context: CommandContext, training: TrainingClient, title: string): Observable<string> {
  return forkJoin([training.saveWeightsAndGetSamplingClient(), ModelInput.fromText(prompt, { training })]).pipe(
    switchMap(([sampling, input]) =>
      sampling.sample({ prompt: input, samplingParams: { maxTokens: 64, temperature: 0 } }),
    ),
    switchMap(({ sequences: [first] }) => training.decode(first?.tokens ?? [])),
    tap((text) => {
      const whole = `${style(context.stdout, 'bold', prompt)}${text.replace('<|endoftext|>', '')}`.trimEnd();
      const lines = whole.replace(/^/gm, '    ');
      if (context.format === 'json')
        context.stdout.write(`${JSON.stringify({ event: 'sample', title, prompt, text })}\n`);
      else context.stdout.write(`\n${title}:\n${lines}\n\n`);
    }),
  );
}
