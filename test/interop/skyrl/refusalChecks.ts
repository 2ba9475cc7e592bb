import { type Datum, ModelInput, type TinkerErrorCode, type TrainingClient } from '../../../src/index.js';
import { failureOf } from '../../contract/support/failureOf.js';
import { type Setting, rank, step, texts, weighted } from './setting.js';

/** What the server or the client refuses: a clear error each, and the model goes on. */
export async function checkRefusals(setting: Setting, training: TrainingClient, statePath: string): Promise<void> {
  const { report, service, baseModel, wire } = setting;
  const prompt = ModelInput.fromTokens([1, 2, 3]);
  const sampling = await service.createSamplingClient({ baseModel }).result();
  const withInput = (name: string, value: number[]): Datum[] =>
    weighted.map((datum) => ({ ...datum, lossFnInputs: { ...datum.lossFnInputs, [name]: value } }));
  const parts = statePath.split('/');
  const missing = [...parts.slice(0, -1), 'missing'].join('/');

  const refused: readonly [string, () => unknown, TinkerErrorCode, ...string[]][] = [
    [
      'a loss that nobody knows',
      () => training.forwardBackward(texts, JSON.parse('"nope"') as 'ppo'),
      'invalid_argument',
      'cross_entropy',
      'nope',
    ],
    [
      'a loss without its inputs',
      () => training.forwardBackward(weighted, 'ppo'),
      'invalid_argument',
      'logprobs',
      'advantages',
    ],
    [
      'a loss that this server lacks',
      () =>
        training
          .forwardBackward(
            withInput('logprobs', new Array<number>(12).fill(-1)).map((datum) => ({
              ...datum,
              lossFnInputs: { ...datum.lossFnInputs, advantages: new Array<number>(12).fill(1) },
            })),
            'dro',
          )
          .result(),
      'bad_request',
      '422',
      'cross_entropy',
    ],
    [
      'an unknown setting of a loss',
      () => training.forwardBackward(weighted, 'cross_entropy', { lossConfig: { bogus: 1 } }).result(),
      'bad_request',
      'bogus',
    ],
    [
      'a rank above the server’s',
      () => service.createLoraTrainingClient({ baseModel, rank: 33 }).result(),
      'request_failed',
      'rank 33',
      '32',
    ],
    [
      'a checkpoint that is not there',
      () => service.createTrainingClientFromState(missing).result(),
      'not_found',
      'missing',
    ],
    [
      'a load into a model that was trained',
      () => training.loadState(statePath).result(),
      'bad_request',
      'LoadWeights is not permitted',
    ],
    [
      'likeliest tokens of a prompt',
      () =>
        sampling
          .sample({ prompt, includePromptLogprobs: true, topkPromptLogprobs: 2, samplingParams: { maxTokens: 1 } })
          .result(),
      'request_failed',
      'topk_prompt_logprobs is not supported',
    ],
    ['sampling without an end', () => sampling.sample({ prompt }).result(), 'bad_request', 'max_tokens'],
    [
      'a negative learning rate',
      () => training.optimStep({ learningRate: -1 }).result(),
      'invalid_argument',
      'learningRate',
      '-1',
    ],
  ];
  for (const [what, work, code, ...words] of refused) {
    await report.check(`refused: ${what}`, async (compared) => {
      const before = wire.sent.length;
      const error = await failureOf(work);
      compared.equal('code', error.code, code);
      compared.true(
        `"${error.message}" has ${words.join(', ')}`,
        words.every((word) => error.message.includes(word)),
      );
      if (code === 'invalid_argument') compared.equal('requests', wire.sent.length - before, 0);
    });
  }

  await report.check('an input that the loss does not use', async (compared) => {
    const plain = await training.forward(weighted, 'cross_entropy').result();
    const more = await training
      .forward(withInput('advantages', new Array<number>(12).fill(1)), 'cross_entropy')
      .result();
    compared.equal('outputs', more.lossFnOutputs, plain.lossFnOutputs);
  });

  await report.check('the model goes on, and a refused seq_id is used again', async (compared) => {
    const output = await step(training);
    compared.equal('outputs', output.lossFnOutputs.length, texts.length);
    const mine = wire.operations.filter(({ body }) => body.model_id === training.modelId);
    const accepted = mine.filter(({ status }) => status === 200).map(({ seqId }) => seqId);
    compared.equal(
      'accepted seq_ids have no hole',
      accepted,
      accepted.map((_, index) => index + 1),
    );
    compared.true(
      `${mine.length - accepted.length} of ${mine.length} requests were refused`,
      mine.length > accepted.length,
    );
  });

  await report.check('after unloadModel', async (compared) => {
    const other = await service.createLoraTrainingClient({ baseModel, rank }).result();
    compared.equal('model', (await other.unloadModel().result()).modelId, other.modelId);
    const error = await failureOf(() => other.optimStep().result());
    compared.equal('code of a step', error.code, 'closed');
  });
}
