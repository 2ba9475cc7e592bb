import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, map, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainSteps } from '../../operators/index.js';
import { constant, input, sum, valueAndGradient } from '../../src/graph/index.js';
import {
  type CustomLoss,
  type CustomLossOptions,
  type Datum,
  Expression,
  type LossName,
  ModelInput,
  type PerDatumLoss,
  ServiceClient,
  TensorData,
  type Tfjs,
  type TrainingClient,
  batchLoss,
  crossEntropyLoss,
  gradientLoss,
  importanceSamplingLoss,
  lossInput,
  ppoLoss,
  silentLogger,
  tfjsLoss,
  undiciTransport,
} from '../../src/index.js';
import { losses as serverLosses } from '../../src/local/engine/losses.js';
import { readSafetensors } from '../../src/local/engine/safetensors.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { checkpointFile } from './support/checkpointFile.js';
import { expectClose } from './support/closeTo.js';
import { tokens } from './support/data.js';
import { WireLog } from './support/wireLog.js';

type Tensor = InstanceType<Tfjs['Tensor']>;

/** One loss by the server's name and in every way to write it. */
interface Writing {
  readonly name: LossName;
  readonly perDatum: PerDatumLoss;
  readonly batch: (p: Expression, datum: Datum) => Expression;
  readonly tfjs: (p: Tensor, read: (name: string) => Tensor, tf: Tfjs) => Tensor;
  /** Loss and slope of one position. */
  readonly position: (p: number, read: (name: string) => number) => readonly [number, number];
}

const ppo = (r: number, a: number): readonly [number, number] => {
  const clipped = Math.min(Math.max(r, 0.8), 1.2) * a;
  return r * a <= clipped ? [-r * a, -r * a] : [-clipped, 0];
};

const writings: readonly Writing[] = [
  {
    name: 'cross_entropy',
    perDatum: crossEntropyLoss,
    batch: (p, datum) => p.mul(lossInput(datum, 'weights')).neg().sum(),
    tfjs: (p, read) => p.mul(read('weights')).neg().sum(),
    position: (p, read) => [-p * read('weights'), -read('weights')],
  },
  {
    name: 'importance_sampling',
    perDatum: importanceSamplingLoss,
    batch: (p, datum) =>
      p.sub(lossInput(datum, 'samplerLogprobs')).exp().mul(lossInput(datum, 'advantages')).neg().sum(),
    tfjs: (p, read) => p.sub(read('logprobs')).exp().mul(read('advantages')).neg().sum(),
    position: (p, read) => {
      const term = -Math.exp(p - read('logprobs')) * read('advantages');
      return [term, term];
    },
  },
  {
    name: 'ppo',
    perDatum: ppoLoss(),
    batch: (p, datum) => {
      const ratio = p.sub(lossInput(datum, 'samplerLogprobs')).exp();
      const advantages = lossInput(datum, 'advantages');
      return ratio.mul(advantages).minimum(ratio.clamp(0.8, 1.2).mul(advantages)).neg().sum();
    },
    tfjs: (p, read, tf) => {
      const ratio = p.sub(read('logprobs')).exp();
      return tf
        .minimum(ratio.mul(read('advantages')), tf.clipByValue(ratio, 0.8, 1.2).mul(read('advantages')))
        .neg()
        .sum();
    },
    position: (p, read) => ppo(Math.exp(p - read('logprobs')), read('advantages')),
  },
];

const inputOf = (datum: Datum | undefined, name: string): Float32Array => {
  const values = datum?.lossFnInputs?.[name];
  if (values instanceof Float32Array) return values;
  throw new Error(`The data of these tests have no ${name}.`);
};

function formsOf({ perDatum, batch, tfjs, position }: Writing): Readonly<Record<string, CustomLoss>> {
  return {
    'per datum': perDatum,
    batch: batchLoss((data, logprobs) => ({
      loss: Expression.stack(
        data.map((datum, index) => batch(logprobs[index] ?? Expression.constant(NaN), datum)),
      ).sum(),
    })),
    tfjs: tfjsLoss((data, logprobs, tf) => ({
      loss: tf.addN(logprobs.map((p, index) => tfjs(p, (name) => tf.tensor1d(inputOf(data[index], name)), tf))),
    })),
    'own gradients': gradientLoss((data, logprobs) => {
      const terms = logprobs.map((p, index) =>
        p.toArray().map((value, at) => position(value, (name) => inputOf(data[index], name)[at] ?? NaN)),
      );
      return {
        loss: terms.flat().reduce((total, [loss]) => total + loss, 0),
        gradients: terms.map((row) => row.map(([, slope]) => slope)),
      };
    }),
  };
}

/** Six datums of several lengths; the sampler's logprobs lie around the model's own, inside and outside of the clip. */
const dataOf = (name: LossName): Datum[] =>
  Array.from({ length: 6 }, (_, index) => {
    const length = 4 + index;
    const wave = (scale: number, offset: number): Float32Array =>
      Float32Array.from({ length }, (_, at) => offset + scale * Math.sin(3 * at + 7 * index + 1));
    const text = tokens(length + 1, index + 1);
    return {
      modelInput: ModelInput.fromTokens(text.slice(0, length)),
      lossFnInputs: {
        targetTokens: text.slice(1),
        ...(name === 'cross_entropy'
          ? { weights: wave(0.5, 1) }
          : {
              logprobs: wave(0.3, 0).map((offset, at) => offset + (modelsOwn[index]?.[at] ?? NaN)),
              advantages: wave(1, 0.2),
            }),
      },
    };
  });

/** The logprobs of the six datums by the base model. */
let modelsOwn: readonly Float32Array[] = [];

const STEPS = 20;
// The smallest eps that does not turn rounding into full steps where a gradient vanishes.
const adam = { learningRate: 2e-3, eps: 1e-8 };

let directory: string;
let server: LocalServer;
let service: ServiceClient;
let wire: WireLog;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-losses-'));
  server = await startLocalServer({ dataDir: directory });
  wire = new WireLog(undiciTransport({ baseUrl: server.url }));
  service = new ServiceClient({ baseUrl: server.url, log: silentLogger, transport: wire });
  const { lossFnOutputs } = await (await openModel()).forward(dataOf('cross_entropy'), 'cross_entropy').result();
  modelsOwn = lossFnOutputs.map(({ logprobs }) => Float32Array.from(logprobs?.data ?? [], Number));
});
afterAll(async () => {
  await service.close();
  await server.close();
  await rm(directory, { recursive: true });
});

const openModel = (): Promise<TrainingClient> =>
  service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4, seed: 5 }).result();

interface Run {
  readonly losses: readonly number[];
  readonly adapter: Float32Array;
}

async function run(name: LossName, loss: LossName | CustomLoss, options: CustomLossOptions = {}): Promise<Run> {
  const training = await openModel();
  const batches = Array.from({ length: STEPS }, () => dataOf(name));
  const steps =
    typeof loss === 'string'
      ? trainSteps(training, batches, { loss, adam, depth: 2 })
      : trainSteps(passingOn(training, options), batches, { loss, adam });
  const losses = await lastValueFrom(
    steps.pipe(
      map(({ metrics }) => metrics['loss:sum'] ?? NaN),
      toArray(),
    ),
  );
  const { path } = await training.saveState('end').result();
  await training.unloadModel().result();
  return { losses, adapter: await adapterIn(path) };
}

/** A client that makes custom passes with these options. */
const passingOn = (
  training: TrainingClient,
  options: CustomLossOptions,
): Pick<TrainingClient, 'forwardBackwardCustom' | 'optimStep'> => ({
  forwardBackwardCustom: (data, loss) => training.forwardBackwardCustom(data, loss, options),
  optimStep: (params) => training.optimStep(params),
});

async function adapterIn(path: string): Promise<Float32Array> {
  // A Buffer is no copy where a Uint8Array would be.
  const bytes = new Uint8Array(await readFile(await checkpointFile(directory, path, 'adapter')));
  return Float32Array.from(Object.values(readSafetensors(bytes).tensors).flatMap(({ data }) => [...data]));
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((total, value) => total + value * value, 0));

describe.each(writings)('$name', (writing) => {
  const { name } = writing;
  const forms = formsOf(writing);
  /** Two passes, with the loss computed here in between. */
  const here = { upload: false };
  let own: Run;
  let initial: Float32Array;

  beforeAll(async () => {
    own = await run(name, name);
    const training = await openModel();
    const { path } = await training.saveState('start').result();
    initial = await adapterIn(path);
  });

  it.each(Object.keys(forms))(
    '%s: sends the gradients of the loss of the server, in one chunk and in three',
    async (form) => {
      const loss = forms[form];
      if (loss === undefined) throw new Error(form);
      const data = dataOf(name);
      const training = await openModel();
      for (const chunks of [1, 3]) {
        const before = wire.operations.length;
        const output = await training
          .forwardBackwardCustom(data, loss, { ...here, maxExamples: data.length / chunks })
          .result();
        const sent = wire.operations.slice(before);
        expect(sent.map(({ operation }) => operation)).toHaveLength(2 * chunks);
        const weights = sent.slice(chunks).flatMap(({ body }) => sentWeights(body));
        const slopes = data.map((datum, index) => {
          const p = output.lossFnOutputs[index]?.logprobs;
          return p === undefined ? [] : serverSlopes(name, p, datum);
        });
        expectClose(
          weights,
          slopes.flat().map((slope) => -slope),
          1e-5,
        );
        expectClose([output.metrics['loss:sum'] ?? NaN], [own.losses[0] ?? NaN], 1e-4);
      }
    },
  );

  const expectSameTraining = async (loss: CustomLoss | undefined, options: CustomLossOptions = here): Promise<void> => {
    if (loss === undefined) throw new Error('no such form');
    const { losses, adapter } = await run(name, loss, options);
    expectClose(losses, own.losses, 1e-4);
    const moved = norm(own.adapter.map((value, index) => value - (initial[index] ?? NaN)));
    const apart = norm(adapter.map((value, index) => value - (own.adapter[index] ?? NaN)));
    expect(moved).toBeGreaterThan(0.05 * norm(own.adapter));
    expect(apart).toBeLessThan(1e-3 * norm(own.adapter));
  };

  it.each(Object.keys(forms))('%s: has the losses and the adapter of the loss of the server after 20 steps', (form) =>
    expectSameTraining(forms[form]),
  );

  it('has them over three chunks too', () => expectSameTraining(writing.perDatum, { ...here, maxExamples: 2 }));

  it('has them as a graph that is uploaded once, in one pass a step, and over three chunks', async () => {
    for (const maxExamples of [6, 2]) {
      const before = wire.paths.length;
      await expectSameTraining(writing.perDatum, { maxExamples });
      const sent = wire.paths.slice(before);
      expect(sent.filter((path) => path === 'forward_backward')).toHaveLength((STEPS * 6) / maxExamples);
      expect(sent.filter((path) => path === 'create_custom_loss')).toHaveLength(maxExamples === 6 ? 1 : 0);
    }
  });
});

describe('an uploaded loss', () => {
  it('has the metrics of two passes, but for the server’s own loss of the second', async () => {
    const data = dataOf('importance_sampling');
    const loss: PerDatumLoss = ({ logprobs, samplerLogprobs, advantages }) => {
      const ratio = logprobs.sub(samplerLogprobs).exp();
      return {
        loss: ratio.mul(advantages).neg().sum(),
        metrics: { 'ratio:mean': ratio.mean(), 'Σ ratio:sum': ratio.sum(), 'data:sum': 1 },
      };
    };
    const passes = await Promise.all(
      [true, false].map(async (upload) => {
        const training = await openModel();
        return training.forwardBackwardCustom(data, loss, { upload, maxExamples: 4 }).result();
      }),
    );
    const [uploaded = {}, here = {}] = passes.map(({ metrics }) => metrics);
    const { 'surrogate_loss:sum': surrogate, ...others } = here;
    expect(surrogate).toBeDefined();
    expect(Object.keys(uploaded).sort()).toEqual(Object.keys(others).sort());
    for (const [name, value] of Object.entries(others)) expectClose([uploaded[name] ?? NaN], [value], 1e-4);
    const [one, two] = passes.map(({ lossFnOutputs }) =>
      lossFnOutputs.flatMap(({ logprobs }) => Array.from<number | bigint>(logprobs?.data ?? [])),
    );
    expectClose(one ?? [], two ?? [], 1e-5);
  });

  it('that is no graph for all data is computed here', async () => {
    const training = await openModel();
    const before = wire.paths.length;
    const data = dataOf('cross_entropy');
    const perPosition: PerDatumLoss = ({ logprobs }) => logprobs.sum().div(-Number(logprobs.shape[0]));
    const { metrics } = await training.forwardBackwardCustom(data, perPosition).result();
    expect(wire.paths.slice(before).filter((path) => path !== 'retrieve_future')).toEqual([
      'forward_backward',
      'forward_backward',
    ]);
    expect(metrics).toHaveProperty('surrogate_loss:sum');
  });
});

/** The weights −∂C/∂p that a backward pass carried. */
function sentWeights(body: Readonly<Record<string, unknown>>): number[] {
  const { data } = body.forward_backward_input as {
    data: readonly { loss_fn_inputs: { weights: { data: number[] } } }[];
  };
  return data.flatMap(({ loss_fn_inputs: { weights } }) => weights.data);
}

/** ∂C/∂p by the server's own definition of a loss, at the logprobs that it computed. */
function serverSlopes(name: LossName, { data }: TensorData, datum: Datum): number[] {
  const p = Float32Array.from(data, Number);
  const loss = serverLosses[name];
  if (loss === undefined) throw new Error(name);
  const node = input('p', [p.length]);
  const total = sum(
    loss.elementwise(node, (key) => {
      const byDefault = loss.config[key];
      return constant(byDefault ?? inputOf(datum, key));
    }),
  );
  return [...(valueAndGradient(total, [node], { p: { data: p, shape: [p.length] } }).gradients[0]?.data ?? [])];
}
