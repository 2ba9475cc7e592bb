import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, gradientOrNull, type Node, sum, type Tensor, topologicalOrder } from '../../src/graph/index.js';
import { checkCustomLoss, lossFeed, lossInputs } from '../../src/local/engine/custom/checkCustomLoss.js';
import { readLossGraph } from '../../src/local/engine/custom/readLossGraph.js';
import { uploadableLoss } from '../../src/losses/evaluation.js';
import {
  type CustomLoss,
  Expression,
  type LossInputs,
  type PerDatumLoss,
  type UploadableLoss,
  batchLoss,
  klEstimate,
  ppoLoss,
} from '../../src/losses/index.js';
import { lossInputsOf } from '../../src/losses/lossInputs.js';
import { lowerings } from '../../src/losses/upload/lowerings.js';
import { type Datum, TensorData } from '../../src/wire/index.js';
import { datum, run } from './support.js';

type Inputs = LossInputs<'ref' | 'margin' | 'pair'>;

/** A loss for each operation that can be uploaded. */
const losses: Readonly<Record<string, PerDatumLoss>> = {
  arithmetic: ({ logprobs, ref }: Inputs) =>
    logprobs
      .add(1)
      .sub(ref)
      .mul(2)
      .div(ref.sub(3))
      .add(Expression.constant(2).sub(logprobs.pow(2)))
      .neg()
      .sum(),
  powers: ({ logprobs, ref }: Inputs) => Expression.constant(2).pow(logprobs).add(ref.abs().pow(0.5)).sum(),
  functions: ({ logprobs, ref }: Inputs) =>
    logprobs
      .exp()
      .add(logprobs.expm1())
      .add(logprobs.abs().log())
      .add(logprobs.abs().log1p())
      .add(logprobs.abs().sqrt())
      .add(logprobs.tanh())
      .add(logprobs.sigmoid())
      .add(logprobs.logsigmoid())
      .add(logprobs.softplus())
      .add(logprobs.silu())
      .add(ref.sign())
      .sum(),
  extremes: ({ logprobs, ref }: Inputs) =>
    logprobs.minimum(ref).add(logprobs.maximum(-1)).add(Expression.constant(-0.5).minimum(logprobs)).sum(),
  clamps: ({ logprobs }) => logprobs.clamp(-2).add(logprobs.clamp(undefined, -0.5)).add(logprobs.clamp()).sum(),
  comparisons: ({ logprobs, ref }: Inputs) =>
    logprobs
      .mul(logprobs.lt(ref).add(logprobs.le(ref)).sub(logprobs.gt(ref)).add(logprobs.ge(-1)))
      .add(logprobs.eq(ref).add(logprobs.ne(ref)).neg())
      .sum(),
  conditions: ({ logprobs, ref, margin }: Inputs) =>
    logprobs.where(logprobs.lt(ref), 0).add(ref.mul(logprobs).where(margin, -1)).sum(),
  reductions: ({ logprobs, pair }: Inputs) =>
    logprobs
      .mean()
      .add(logprobs.max())
      .add(pair.sum(1).mul(logprobs).sum())
      .add(pair.mul(logprobs.unsqueeze(1)).mean(0, true).squeeze(0).max()),
  scalars: ({ logprobs, weight = Expression.constant(1) }) => logprobs.sum().sum().mul(weight).add(logprobs.mean(0)),
  places: ({ logprobs, ref }: Inputs) =>
    logprobs
      .slice(1)
      .sub(ref.slice(0, -1))
      .pow(2)
      .sum()
      .add(logprobs.select(-1))
      .add(logprobs.select(0).mul(ref.select(0))),
  rows: ({ logprobs, pair }: Inputs) => pair.slice(1, 2, 1).squeeze(1).mul(logprobs).cumsum().sum(),
  joined: ({ logprobs, ref }: Inputs) =>
    Expression.concat([logprobs, ref])
      .pow(2)
      .mean()
      .add(Expression.stack([logprobs, ref]).softmax().max()),
  spread: ({ logprobs, ref }: Inputs) =>
    logprobs.mean().expandAs(ref).mul(ref).sum().add(Expression.constant(0.5).expandAs(logprobs).mul(logprobs).sum()),
  normalised: ({ logprobs, ref }: Inputs) => logprobs.logSoftmax().mul(ref.softmax()).sum(),
  detached: ({ logprobs }) => logprobs.detach().exp().mul(logprobs).sum(),
  'constants of constants': ({ logprobs }) => logprobs.mul(Expression.constant(2).exp().add(1)).sum(),
  ppo: ppoLoss(),
  'a regularizer': ({ logprobs, ref }: Inputs) => logprobs.neg().sum().add(klEstimate(logprobs, ref).mul(0.1)),
};

const wave = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, at) => -1.4 + Math.sin(3 * at + 7 * seed + 1));

/** Data of several lengths with everything that the losses read. */
function dataOf(...lengths: number[]): { data: Datum[]; values: TensorData[]; shapes: number[][] } {
  const data = lengths.map((length, index) =>
    datum(length, {
      ref: wave(length, index + 2),
      margin: Float32Array.from({ length }, (_, at) => at % 2),
      pair: new TensorData(wave(2 * length, index + 3), [length, 2]),
      weight: new TensorData(Float32Array.of(0.5 + index), []),
      logprobs: wave(length, index + 4),
      advantages: wave(length, index + 5),
    }),
  );
  const values = lengths.map((length, index) => new TensorData(wave(length, index)));
  return { data, values, shapes: lengths.map((length) => [length]) };
}

function uploadable(loss: CustomLoss, { data, shapes }: ReturnType<typeof dataOf>): UploadableLoss {
  const made = uploadableLoss(loss, data, shapes);
  if ('reason' in made) throw new Error(made.reason);
  return made;
}

/** Value and gradient of a datum as the server reads the graph. */
function onServer({ graph, inputs }: UploadableLoss, index: number, logprobs: TensorData) {
  checkCustomLoss(graph);
  const read = lossInputs(graph);
  const { loss, metrics } = readLossGraph(graph, read);
  const [gradient] = gradientOrNull(sum(loss), [read('logprobs')]);
  if (gradient === null || gradient === undefined) throw new Error('no gradient');
  const feeds: [string, Tensor][] = Object.entries({ logprobs, ...inputs[index] }).map(([name, { data, shape }]) => [
    lossFeed(name),
    { data: Float32Array.from(data, Number), shape: [1, ...shape] },
  ]);
  const nodes: Record<string, Node> = { loss, gradient, ...metrics };
  const outputs = evaluate(nodes, Object.fromEntries(feeds), { precision: 'float64' });
  return {
    value: (name: string) => outputs[name]?.data[0] ?? NaN,
    gradient: Array.from(outputs.gradient?.data ?? []),
  };
}

const data = dataOf(4, 6, 3);

describe('a loss that is uploaded', () => {
  it.each(Object.keys(losses))('%s: has the value and the gradient that it has here', async (name) => {
    const loss = losses[name];
    if (loss === undefined) throw new Error(name);
    const uploaded = uploadable(loss, data);
    for (const [index, logprobs] of data.values.entries()) {
      const here = await run(loss, data.data.slice(index, index + 1), [logprobs]);
      const { value, gradient } = onServer(uploaded, index, logprobs);
      expect(value('loss')).toBeCloseTo(here.loss, 5);
      gradient.forEach((slope, at) => {
        expect(slope).toBeCloseTo(here.gradients[0]?.[at] ?? NaN, 5);
      });
    }
  });

  it('can have each operation that the table writes', () => {
    const used = new Set(['input', 'constant']);
    Object.values(losses).forEach((loss) => {
      const inputs = lossInputsOf(data.data[0] ?? datum(1), 0, Expression.constant(wave(4, 0)));
      const made = loss(inputs);
      const nodes = made instanceof Expression ? [made.node] : [];
      for (const node of topologicalOrder(nodes)) used.add(node.operation);
    });
    const written = Object.entries(lowerings).flatMap(([name, lower]) => (lower === undefined ? [] : [name]));
    expect(written.filter((name) => !used.has(name))).toEqual([]);
  });

  it('is the same text for data of any lengths, and reads no more than it uses', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(losses)), fc.array(fc.integer({ min: 2, max: 9 })), (loss, more) => {
        expect(uploadable(loss, dataOf(4, ...more)).graph).toEqual(uploadable(loss, dataOf(4)).graph);
      }),
      { numRuns: 50 },
    );
    const { inputs } = uploadable(ppoLoss(), data).graph;
    expect(inputs).toEqual([
      { name: 'logprobs', rank: 1 },
      { name: 'advantages', rank: 1 },
      { name: 'sampler_logprobs', rank: 1 },
    ]);
  });

  it('keeps the names of its metrics, and its numbers', () => {
    const uploaded = uploadable(
      ({ logprobs }) => ({
        loss: logprobs.sum(),
        metrics: { 'ratio:mean': logprobs.mean(), 'Größe:sum': logprobs.sum(), 'count:sum': 2, 'beta:mean': 0.25 },
      }),
      data,
    );
    const { value } = onServer(uploaded, 0, data.values[0] ?? new TensorData(new Float32Array()));
    expect([value('custom/ratio:mean'), value('custom/metric_1:sum')].every(Number.isFinite)).toBe(true);
    expect(
      uploaded.readMetrics({ 'loss:sum': 5, 'custom/ratio:mean': 1, 'custom/metric_1:sum': 3, 'tokens:sum': 4 }),
    ).toEqual({ 'loss:sum': 5, 'ratio:mean': 1, 'Größe:sum': 3, 'tokens:sum': 4, 'count:sum': 6, 'beta:mean': 0.25 });
  });
});

describe('a loss that is computed here', () => {
  let calls = 0;
  const kept: Readonly<Record<string, readonly [CustomLoss, RegExp]>> = {
    'of a batch': [batchLoss((_, [p]) => (p ?? Expression.constant(0)).sum()), /batch form/],
    'with numbers of its own': [
      ({ logprobs }) =>
        logprobs
          .slice(0, 2)
          .mul(Expression.constant(Float32Array.of(1, 2)))
          .sum(),
      /fixed numbers/,
    ],
    'that counts its positions': [({ logprobs }) => logprobs.sum().div(Number(logprobs.shape[0])), /data\[1\]/],
    'that differs from call to call': [({ logprobs }) => logprobs.sum().mul(++calls), /not the same/],
    'with an operation that torch has otherwise': [
      ({ logprobs }) => logprobs.cumsum(0, true).sum(),
      /cumsum from the end/,
    ],
    'with a matrix product': [({ logprobs }) => logprobs.unsqueeze(0).matmul(logprobs.unsqueeze(1)).sum(), /matmul/],
    'that reads targets': [({ logprobs, targetTokens }) => logprobs.mul(targetTokens).sum(), /target tokens/],
    'that reads what is not there': [({ logprobs, nothing }) => logprobs.mul(nothing ?? 1).sum(), /nothing/],
    'that is not finite': [({ logprobs }) => logprobs.mul(NaN).sum(), /finite/],
    'that does not depend on logprobs': [({ ref }: Inputs) => ref.sum(), /depend/],
    'with a metric of no known kind': [
      ({ logprobs }) => ({ loss: logprobs.sum(), metrics: { largest: logprobs.max() } }),
      /largest/,
    ],
  };
  it.each(Object.keys(kept))('%s', (name) => {
    const [loss, reason] = kept[name] ?? [() => Expression.constant(0), /^$/];
    expect(uploadableLoss(loss, data.data, data.shapes)).toEqual({ reason: expect.stringMatching(reason) as string });
  });

  it('with inputs of another length than the tokens', () => {
    const short = { ...data, data: data.data.map(() => datum(4, { ref: [1] })) };
    const made = uploadableLoss(({ logprobs, ref }: Inputs) => logprobs.mul(ref).sum(), short.data, short.shapes);
    expect(made).toEqual({ reason: expect.stringContaining('ref has shape [1]') as string });
  });
});
