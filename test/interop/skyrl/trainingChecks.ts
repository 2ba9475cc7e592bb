import { concatMap, forkJoin, lastValueFrom, range, toArray } from 'rxjs';
import { trainSteps } from '../../../operators/index.js';
import { type TrainingClient, crossEntropyLoss } from '../../../src/index.js';
import { failureOf } from '../../contract/support/failureOf.js';
import {
  type Setting,
  connect,
  createModel,
  learningRate,
  logprobs,
  logprobsOf,
  lossOf,
  texts,
  weighted,
} from './setting.js';

const STEPS = 10;

/** Creation, steps, passes and losses of the caller's own. */
export async function checkTraining(setting: Setting): Promise<TrainingClient> {
  const { report, service, baseModel, wire } = setting;
  await report.check('capabilities', async (compared) => {
    const { supportedModels } = await service.getServerCapabilities().result();
    compared.equal(
      'models',
      supportedModels.map(({ modelName }) => modelName),
      [baseModel],
    );
  });

  const training = await createModel(service, baseModel);
  await report.check('create', async (compared) => {
    const info = await training.getInfo().result();
    compared.equal('model', info.modelId, training.modelId);
    compared.equal('base model', training.baseModel, baseModel);
    compared.true('nothing took a seq_id', wire.sent.length === 0);
  });

  await report.check('tokenizer', async (compared) => {
    const text = 'A tiny base model, twice: é\n';
    const encoded = await training.encode(text).result();
    compared.true(
      `${encoded.length} tokens are below 512`,
      encoded.length > 0 && encoded.every((token) => token < 512),
    );
    compared.equal('decoded', await training.decode(encoded).result(), text);
  });

  await report.check(`${STEPS} steps of forwardBackward and optimStep`, async (compared) => {
    const steps = await lastValueFrom(
      range(0, STEPS).pipe(
        concatMap(() =>
          forkJoin([training.forwardBackward(texts, 'cross_entropy'), training.optimStep({ learningRate })]),
        ),
        toArray(),
      ),
    );
    const losses = steps.map(([pass]) => lossOf(pass));
    const [first = NaN] = losses;
    const last = losses.at(-1) ?? NaN;
    compared.true(`the loss falls from ${first.toFixed(2)} to ${last.toFixed(2)}`, last < first / 2);
    compared.equal('outputs a pass', steps[0]?.[0].lossFnOutputs.length, texts.length);
    compared.close(
      'losses by position, as the server gives them',
      steps.flatMap(([{ lossFnOutputs }]) =>
        lossFnOutputs.flatMap((output) => Array.from(output.elementwise_loss?.data ?? [], Number)),
      ),
      steps.flatMap(([pass]) => logprobsOf(pass).map((p) => -p)),
    );
    const rates = steps.map(([, { metrics }]) => metrics['skyrl.ai/learning_rate'] ?? NaN);
    compared.close('learning rates', rates, new Array<number>(STEPS).fill(learningRate), 1e-6);
    compared.true(
      'every gradient has a norm',
      steps.every(([, { metrics }]) => (metrics['skyrl.ai/grad_norm'] ?? 0) > 0),
    );
    compared.equal('order and seq_ids', wire.sent.slice(-2 * STEPS), sentSteps(1));
    compared.true('each optimStep was sent before its pass had a result', areAhead(wire));
  });

  await report.check('forward', async (compared) => {
    const before = await logprobs(training);
    compared.close('logprobs of a second forward', await logprobs(training), before, 1e-6);
    const pass = await training.forwardBackward(texts, 'cross_entropy').result();
    compared.close('logprobs of a forwardBackward', logprobsOf(pass), before);
    await training.optimStep({ learningRate: 0 }).result();
    compared.close('logprobs after a step of 0', await logprobs(training), before, 1e-6);
  });

  await report.check('trainSteps, two steps ahead', async (compared) => {
    const steps = await lastValueFrom(
      trainSteps(
        training,
        Array.from({ length: 4 }, () => texts),
        {
          loss: 'cross_entropy',
          adam: { learningRate: 1e-3 },
          depth: 2,
        },
      ).pipe(toArray()),
    );
    compared.equal(
      'steps',
      steps.map(({ step }) => step),
      [0, 1, 2, 3],
    );
  });

  await checkCustomLoss(setting);
  await checkFormats(setting);
  return training;
}

async function checkCustomLoss({ report, service, baseModel }: Setting): Promise<void> {
  await report.check('a custom loss equal to cross_entropy', async (compared) => {
    const [builtin, custom] = await Promise.all([
      createModel(service, baseModel, 5),
      createModel(service, baseModel, 5),
    ]);
    const byServer = await builtin.forwardBackward(weighted, 'cross_entropy').result();
    const own = await custom.forwardBackwardCustom(weighted, crossEntropyLoss).result();
    compared.close('logprobs', logprobsOf(own), logprobsOf(byServer));
    const loss = byServer.lossFnOutputs
      .flatMap((output) => Array.from(output.elementwise_loss?.data ?? [], Number))
      .reduce((sum, value) => sum + value, 0);
    compared.close('loss:sum', [own.metrics['loss:sum'] ?? NaN], [loss], 1e-3);
    const norms = await Promise.all(
      [builtin, custom].map(async (training) => {
        const { metrics } = await training.optimStep({ learningRate }).result();
        return metrics['skyrl.ai/grad_norm'] ?? NaN;
      }),
    );
    compared.close('gradient norm', [norms[1] ?? NaN], [norms[0] ?? NaN], 1e-4);
    compared.close('logprobs after a step', await logprobs(custom), await logprobs(builtin));
    await Promise.all([builtin, custom].map((training) => training.unloadModel().result()));
  });
}

async function checkFormats({ report, baseUrl, baseModel }: Setting): Promise<void> {
  await report.check('JSON alone, which this server does not read', async (compared) => {
    const { service } = connect(baseUrl, { passFormat: 'json' });
    const training = await createModel(service, baseModel);
    const error = await failureOf(() => training.forwardBackward(weighted, 'cross_entropy').result());
    compared.equal('code', error.code, 'bad_request');
    compared.true(`"${error.message}" names the format`, error.message.includes('application/x-protobuf'));
    await training.unloadModel().result();
    await service.close();
  });
}

function sentSteps(from: number): string[] {
  return Array.from(
    { length: 2 * STEPS },
    (_, index) => `${index % 2 === 0 ? 'forward_backward' : 'optim_step'} ${from + index}`,
  );
}

function areAhead({ operations }: Setting['wire']): boolean {
  return operations.every(({ operation, resultAt = Infinity }, index) => {
    const next = operations[index + 1];
    return operation !== 'forward_backward' || (next !== undefined && next.sentAt < resultAt);
  });
}
