/**
 * A reinforcement-learning run that survives: its batches are sampled from the weights as they are, so after an
 * interruption it goes back to the last checkpoint, with the optimizer, samples the same, and has the same rewards as a
 * run that was never stopped.
 */
import { type Observable, filter, lastValueFrom, map, switchMap, takeWhile, tap, toArray } from 'rxjs';
import { ModelInput, type ServiceClient, type Tokenizer, fileCheckpointLog, resumable } from 'rxtinker';
import { localService } from 'rxtinker/local';
import { constant } from 'rxtinker/operators';
import { type PolicyDatum, type Problem, policyBatches } from 'rxtinker/training';

const baseModel = 'rxtinker/tiny';
const steps = 12;

/** The reward is the share of the text that is in "the": the model learns to stammer. */
const problems = (tokenizer: Tokenizer): readonly Problem[] =>
  ['Once upon a time', 'The king', 'In the forest'].map((text) => ({
    prompt: ModelInput.fromTokens(tokenizer.encode(text)),
    reward: ({ tokens }) => {
      const said = tokenizer.decode(tokens);
      return (3 * said.split('the').length - 3) / Math.max(1, said.length);
    },
  }));

interface Progress {
  readonly step: number;
  readonly reward: number;
}

/** The mean reward of each step, of a run that is written down in a file. */
const run = (service: ServiceClient, name: string): Observable<Progress> =>
  service.createSamplingClient({ baseModel }).pipe(
    switchMap((sampling) => sampling.getTokenizer()),
    switchMap((tokenizer) =>
      resumable(service, {
        run: name,
        log: fileCheckpointLog(`${name}.jsonl`),
        model: { baseModel, rank: 16, seed: 1 },
        batches: (startStep, training) =>
          policyBatches(training, new Array<readonly Problem[]>(steps - startStep).fill(problems(tokenizer)), {
            groupSize: 8,
            samplingParams: { maxTokens: 8, stop: [], seed: 1 },
            normalize: true,
            startStep,
          }),
        checkpointEvery: 4,
        loss: 'importance_sampling',
        adam: constant({ learningRate: 3e-3 }),
      }),
    ),
    tap((event) => {
      if (event.type === 'started') console.log(`${name} begins at step ${event.step}`);
    }),
    filter((event) => event.type === 'step'),
    map(({ step, batch }) => ({ step, reward: meanReward(batch) })),
    tap(({ step, reward }) => console.log(`${name}  step ${step}  reward ${reward.toFixed(3)}`)),
  );

/** To `resumable` a batch is data; these are what policyBatches made. */
function meanReward(batch: readonly object[]): number {
  const samples = batch as readonly PolicyDatum[];
  return samples.reduce((sum, { rollout }) => sum + rollout.reward, 0) / samples.length;
}

/** Each stretch has a server of its own; what they share is the directory. */
async function stretch(name: string, until = Infinity): Promise<readonly Progress[]> {
  await using service = await localService({ dataDir: '.rxtinker', deterministic: true });
  return await lastValueFrom(
    run(service, name).pipe(
      takeWhile(({ step }) => step < until, true),
      toArray(),
    ),
  );
}

const whole = await stretch('whole');
await stretch('interrupted', 6);
const resumed = await stretch('interrupted');

const first = resumed[0]?.step ?? NaN;
const same = resumed.every(({ step, reward }) => whole[step]?.reward === reward);
console.log(`Resumed at step ${first}: the rewards are ${same ? 'the same' : 'not the same'} as without a stop.`);
const [before = NaN, after = NaN] = [whole[0]?.reward, whole.at(-1)?.reward];
console.log(`Reward: ${before.toFixed(2)} at first, ${after.toFixed(2)} at last.`);
if (!(same && first === 4 && after > 2 * before)) {
  console.error('Expected the same rewards from step 4 on, and twice the first reward at last.');
  process.exitCode = 1;
}
