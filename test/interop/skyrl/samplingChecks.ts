import { type Datum, ModelInput, type SamplingClient, type TrainingClient } from '../../../src/index.js';
import { tokens } from '../../contract/support/data.js';
import { type Setting, logprobsOf } from './setting.js';

const prompt = ModelInput.fromTokens(tokens(5, 1));
const maxTokens = 8;
const greedy = { maxTokens, temperature: 0, seed: 1, stop: [] };

/** Weights saved for sampling, named and unnamed, and what is drawn from them. */
export async function checkSampling(setting: Setting, training: TrainingClient): Promise<void> {
  const { report, service, baseModel } = setting;
  const named = await training.saveWeightsForSampler({ path: 'sampler' }).result();
  const path = named.kind === 'path' ? named.path : '';
  const sampling = await service.createSamplingClient({ modelPath: path }).result();

  await report.check('saveWeightsForSampler, named and unnamed', async (compared) => {
    compared.equal('path', path, `tinker://${training.modelId}/sampler`);
    compared.equal('base model', sampling.baseModel, baseModel);
    const unnamed = await training.saveWeightsForSampler().result();
    compared.equal('kind of the unnamed', unnamed.kind, 'session');
    const other = await training.saveWeightsAndGetSamplingClient().result();
    const [a, b, c] = await Promise.all(
      [sampling, other, await training.createSamplingClient(path).result()].map((client) => draw(client)),
    );
    compared.equal('greedy tokens of the unnamed', b, a);
    compared.equal('greedy tokens by training.createSamplingClient', c, a);
  });

  await checkDraws(setting, sampling);
  await checkLogprobs(setting, training, sampling);
  await report.check('the base model', async (compared) => {
    const base = await service.createSamplingClient({ baseModel }).result();
    const before = await draw(base);
    compared.equal('tokens', before.length, maxTokens);
    compared.true('it draws other tokens than the trained one', before.join() !== (await draw(sampling)).join());
  });
}

async function checkDraws({ report }: Setting, sampling: SamplingClient): Promise<void> {
  await report.check('sample', async (compared) => {
    const ask = async (seed: number): Promise<string[]> => {
      const samplingParams = { maxTokens, temperature: 2, seed, stop: [] };
      const { sequences } = await sampling.sample({ prompt, numSamples: 3, samplingParams }).result();
      compared.true(
        `3 samples of ${maxTokens} tokens and logprobs end by length`,
        sequences.length === 3 &&
          sequences.every(
            ({ tokens: drawn, logprobs, stopReason }) =>
              drawn.length === maxTokens && logprobs?.length === maxTokens && stopReason === 'length',
          ),
      );
      return sequences.map(({ tokens: drawn }) => drawn.join());
    };
    const [first, again, other] = await Promise.all([ask(7), ask(7), ask(8)]);
    compared.equal('samples of the same seed', again, first);
    compared.true('another seed draws others', other.join(';') !== first.join(';'));
    compared.true('the samples of a seed differ', new Set(first).size > 1);
  });

  await report.check('stop tokens', async (compared) => {
    const whole = await draw(sampling);
    const stop = whole[3] ?? -1;
    const until = whole.indexOf(stop) + 1;
    const { sequences } = await sampling.sample({ prompt, samplingParams: { ...greedy, stop: [stop] } }).result();
    compared.equal('tokens up to the stop', Array.from(sequences[0]?.tokens ?? []), whole.slice(0, until));
    compared.equal('reason', sequences[0]?.stopReason, 'stop');
  });
}

async function checkLogprobs({ report }: Setting, training: TrainingClient, sampling: SamplingClient): Promise<void> {
  const passLogprobs = async (sequence: readonly number[]): Promise<number[]> => {
    const datum: Datum = { modelInput: ModelInput.fromTokens(sequence) };
    return logprobsOf(await training.forward([datum], 'cross_entropy').result());
  };
  await report.check('computeLogprobs', async (compared) => {
    const sequence = tokens(13, 4);
    const computed = await sampling.computeLogprobs(ModelInput.fromTokens(sequence)).result();
    compared.equal('logprobs', computed.length, sequence.length);
    compared.true('the first is NaN', Number.isNaN(computed[0]));
    compared.close('others as in a training pass', computed.subarray(1), await passLogprobs(sequence), 1e-3);
  });
  await report.check('logprobs of samples', async (compared) => {
    const request = { prompt, samplingParams: { ...greedy, temperature: 1.5 }, includePromptLogprobs: true };
    const { sequences, promptLogprobs } = await sampling.sample(request).result();
    const { tokens: drawn = [], logprobs = [] } = sequences[0] ?? {};
    const all = await passLogprobs([...prompt.tokens(), ...drawn]);
    compared.equal('prompt logprobs', promptLogprobs?.length, prompt.length);
    compared.close(
      'of the prompt as in a pass',
      promptLogprobs?.subarray(1) ?? [],
      all.slice(0, prompt.length - 1),
      1e-3,
    );
    compared.close('of the sample as in a pass, at temperature 1.5', logprobs, all.slice(prompt.length - 1), 1e-3);
  });
}

async function draw(sampling: SamplingClient): Promise<number[]> {
  const { sequences } = await sampling.sample({ prompt, samplingParams: greedy }).result();
  return Array.from(sequences[0]?.tokens ?? []);
}
