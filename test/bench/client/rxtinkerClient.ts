/** Runs one task by rxtinker, as its users would write it, and reports. */
import type { Datum, PerDatumLoss, TrainingClient } from 'rxtinker';
import { type RunOrder, startMeasuring, tokensOf } from './measure.js';
import type { Task } from './works.js';

const { url, task } = JSON.parse(process.argv[2] ?? '') as RunOrder<Task>;
const stopStart = task.kind === 'start' ? startMeasuring() : undefined;
const { ModelInput, ServiceClient, tfjsLoss } = await import('rxtinker');

const service = new ServiceClient({ baseUrl: url, apiKey: 'tml-bench' });
const batch = (datums: number, tokens: number): Datum[] =>
  tokensOf(datums, tokens).map((array) => ({
    modelInput: ModelInput.fromTokens(array),
    lossFnInputs: { targetTokens: array, weights: new Float32Array(tokens).fill(1) },
  }));
const create = (): Promise<TrainingClient> =>
  service.createLoraTrainingClient({ baseModel: 'bench/model', rank: 32 }).result();

async function train(training: TrainingClient, { steps, datums, tokens, from, mode }: Task & { kind: 'train' }) {
  const typed = batch(datums, tokens);
  const numbers = tokensOf(datums, tokens).map((array) => ({
    tokens: Array.from(array),
    weights: new Array<number>(tokens).fill(1),
  }));
  const data = (): Datum[] =>
    from === 'typed'
      ? typed
      : numbers.map(({ tokens: list, weights }) => ({
          modelInput: ModelInput.fromTokens(list),
          lossFnInputs: { targetTokens: list, weights },
        }));
  const pass = () => training.forwardBackward(data(), 'cross_entropy').result();
  const step = () => training.optimStep({ learningRate: 1e-4 }).result();
  await Promise.all([pass(), step()]);
  const stop = startMeasuring();
  const all: Promise<unknown>[] = [];
  for (let index = 0; index < steps; index += 1) {
    if (mode === 'awaited') {
      await pass();
      await step();
    } else if (mode === 'paired') await Promise.all([pass(), step()]);
    else all.push(pass(), step());
  }
  await Promise.all(all);
  stop();
}

async function sample({ requests, prompt }: Task & { kind: 'sample' }): Promise<void> {
  const sampling = await service.createSamplingClient({ baseModel: 'bench/model' }).result();
  const prompts = tokensOf(requests, prompt).map((tokens) => ModelInput.fromTokens(tokens));
  const samplingParams = { maxTokens: 64, temperature: 0.7 };
  const [first] = prompts;
  if (first !== undefined) await sampling.sample({ prompt: first, samplingParams }).result();
  const stop = startMeasuring();
  await Promise.all(prompts.map((input) => sampling.sample({ prompt: input, samplingParams }).result()));
  stop();
}

async function customLoss(training: TrainingClient, { steps, datums, tokens, by }: Task & { kind: 'customLoss' }) {
  const expression: PerDatumLoss = ({ logprobs }) => logprobs.exp().neg().sum();
  const loss =
    by === 'expression'
      ? expression
      : tfjsLoss((_, logprobs) => {
          const sums = logprobs.map((tensor) => tensor.exp().neg().sum());
          return { loss: sums.reduce((total, sum) => total.add(sum)) };
        });
  const data = batch(datums, tokens);
  await training.forwardBackwardCustom(data, loss).result();
  const stop = startMeasuring();
  for (let index = 0; index < steps; index += 1) await training.forwardBackwardCustom(data, loss).result();
  stop();
}

async function endure(training: TrainingClient, operations: number): Promise<void> {
  const data = batch(1, 16);
  const memory: number[] = [];
  const stop = startMeasuring();
  for (let done = 2; done <= operations; done += 2) {
    await Promise.all([
      training.forwardBackward(data, 'cross_entropy').result(),
      training.optimStep({ learningRate: 1e-4 }).result(),
    ]);
    if (done % (operations / 10) === 0) {
      // What the collector would free is no growth.
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      memory.push((heapUsed + external) / 2 ** 20);
    }
  }
  stop({ memory });
}

if (task.kind === 'sample') await sample(task);
else {
  const training = await create();
  if (task.kind === 'train') await train(training, task);
  else if (task.kind === 'customLoss') await customLoss(training, task);
  else if (task.kind === 'endurance') await endure(training, task.operations);
  else {
    const step = training.optimStep({ learningRate: 1e-4 });
    await Promise.all([training.forwardBackward(batch(1, 16), 'cross_entropy').result(), step.result()]);
    stopStart?.();
  }
}
process.exit(0);
