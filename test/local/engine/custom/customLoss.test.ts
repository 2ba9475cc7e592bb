import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkCustomLoss } from '../../../../src/local/engine/custom/checkCustomLoss.js';
import type { CustomLoss, CustomLossNode } from '../../../../src/local/engine/custom/customLoss.js';
import type { Engine, ForwardBackwardJob } from '../../../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../../../src/local/engine/inProcessEngine.js';
import { readSafetensors } from '../../../../src/local/engine/safetensors.js';

const ref = (name: string) => ({ ref: name });
const node = (name: string, target: string, args: unknown[], kwargs: Record<string, unknown> = {}): CustomLossNode => ({
  op: /^(?:torch\.|operator\.|getattr)/.test(target) ? 'call_function' : 'call_method',
  name,
  target,
  args,
  kwargs,
});
const placeholder = (name: string): CustomLossNode => ({ op: 'placeholder', name, target: name, args: [], kwargs: {} });
const output = (loss: unknown, metrics: Record<string, unknown> = {}): CustomLossNode => ({
  op: 'output',
  name: 'output',
  target: 'output',
  args: [{ tuple: [loss, { dict: metrics }] }],
  kwargs: {},
});
const lossOf = (nodes: readonly CustomLossNode[]): CustomLoss => ({
  inputs: [
    { name: 'logprobs', rank: 1 },
    { name: 'a', rank: 1 },
  ],
  nodes: [placeholder('logprobs'), placeholder('a'), ...nodes],
});
const p = ref('logprobs');
const a = ref('a');
/** Σ of what one call gives. */
const summed = (target: string, args: unknown[], kwargs = {}): CustomLoss =>
  lossOf([node('y', target, args, kwargs), node('total', 'torch.sum', [ref('y')]), output(ref('total'))]);

/** The same of logprobs + 6, which lie around 0. */
const shifted = (target: string, kwargs = {}): CustomLoss =>
  lossOf([
    node('x', 'operator.add', [p, 6]),
    node('y', target, [ref('x')], kwargs),
    node('total', 'torch.sum', [ref('y')]),
    output(ref('total')),
  ]);
const mask = node('mask', 'operator.gt', [a, 0]);

/** One loss an operation; the derivative by position of Σ of it, by hand. */
const slopes: Readonly<Record<string, readonly [CustomLoss, (p: number, a: number) => number]>> = {
  add: [summed('torch.add', [p, a], { alpha: 2 }), () => 1],
  sub: [summed('operator.sub', [1, p]), () => -1],
  mul: [summed('operator.mul', [p, a]), (_, x) => x],
  div: [summed('torch.div', [a, p]), (x, y) => -y / (x * x)],
  pow: [summed('operator.pow', [p, 3]), (x) => 3 * x * x],
  exp: [summed('exp', [p]), Math.exp],
  expm1: [summed('torch._C._special.special_expm1', [p]), Math.exp],
  log: [
    lossOf([
      node('n', 'operator.neg', [p]),
      node('y', 'torch.log', [ref('n')]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x) => 1 / x,
  ],
  log1p: [
    lossOf([
      node('n', 'abs', [p]),
      node('y', 'torch.log1p', [ref('n')]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x) => -1 / (1 - x),
  ],
  sigmoid: [summed('torch.sigmoid', [p]), (x) => Math.exp(x) / (1 + Math.exp(x)) ** 2],
  logsigmoid: [summed('torch._C._nn.log_sigmoid', [p]), (x) => 1 / (1 + Math.exp(x))],
  softplus: [shifted('torch._C._nn.softplus', { beta: 2 }), (x) => 1 / (1 + Math.exp(-2 * (x + 6)))],
  tanh: [shifted('tanh'), (x) => 1 - Math.tanh(x + 6) ** 2],
  square: [summed('torch.square', [p]), (x) => 2 * x],
  sqrt: [
    lossOf([
      node('n', 'neg', [p]),
      node('y', 'torch.sqrt', [ref('n')]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x) => -0.5 / Math.sqrt(-x),
  ],
  relu: [
    lossOf([
      node('n', 'operator.add', [p, 6]),
      node('y', 'torch.nn.functional.relu', [ref('n')], { inplace: false }),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x) => Number(x > -6),
  ],
  clamp: [summed('clamp', [p], { min: -6.2 }), (x) => Number(x >= -6.2)],
  minimum: [summed('torch.minimum', [p, a]), (x, y) => Number(x < y)],
  maximum: [
    lossOf([
      node('n', 'operator.sub', [a, 6]),
      node('y', 'torch.maximum', [p, ref('n')]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x, y) => Number(x > y - 6),
  ],
  where: [
    lossOf([mask, node('y', 'torch.where', [ref('mask'), p, 0]), node('s', 'sum', [ref('y')]), output(ref('s'))]),
    (_, y) => Number(y > 0),
  ],
  invert: [
    lossOf([
      mask,
      node('not', 'operator.invert', [ref('mask')]),
      node('y', 'operator.mul', [ref('not'), p]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (_, y) => Number(y <= 0),
  ],
  detach: [
    lossOf([
      node('d', 'detach', [p]),
      node('y', 'operator.mul', [ref('d'), p]),
      node('s', 'sum', [ref('y')]),
      output(ref('s')),
    ]),
    (x) => x,
  ],
};

const datum = (length: number, seed: number): ForwardBackwardJob['data'][number] => ({
  tokens: Int32Array.from({ length }, (_, i) => (i * 7 + seed) % 90),
  inputs: {
    target_tokens: { data: Int32Array.from({ length }, (_, i) => (i * 5 + seed) % 90), shape: [length] },
    a: { data: Float32Array.from({ length }, (_, i) => Math.sin(3 * i + seed)), shape: [length] },
    not_read: { data: new Float32Array(2), shape: [2] },
  },
});
// Two of one length run together, the others alone.
const data = [datum(7, 1), datum(5, 2), datum(7, 3)];

const lora = { rank: 2, seed: 1, trainAttention: true, trainMlp: true, trainUnembedding: true };
let models = 0;

/** What a pass gives, and where one step of its gradient leads. */
async function train(engine: Engine, job: Omit<ForwardBackwardJob, 'config' | 'backward'>) {
  const id = `model ${String(models++)}`;
  await engine.createModel(id, 'rxtinker/tiny', lora);
  const full = { ...job, config: {}, backward: true };
  engine.checkForwardBackward('rxtinker/tiny', full);
  const result = await engine.forwardBackward(id, full);
  const { metrics } = await engine.optimStep(id, {
    learning_rate: 1e-3,
    beta1: 0,
    beta2: 0,
    eps: 1,
    weight_decay: 0,
    grad_clip_norm: 0,
  });
  const { adapter } = await engine.saveState(id, { optimizer: false });
  await engine.unloadModel(id);
  const weights = Object.values(readSafetensors(adapter).tensors).flatMap((tensor) => [...tensor.data]);
  return { ...result, norm: metrics['grad_norm:mean'] ?? NaN, weights };
}

describe('a custom loss', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createInProcessEngine({ threads: 1 });
  });

  it.each(Object.keys(slopes))('%s: trains as its slopes sent as weights of cross_entropy do', async (name) => {
    const [customLoss, slope] = slopes[name] ?? [];
    if (customLoss === undefined || slope === undefined) throw new Error(name);
    checkCustomLoss(customLoss);
    const custom = await train(engine, { data, loss: 'custom', customLoss });
    const surrogate = data.map(({ tokens, inputs: { target_tokens, a: second } }, index) => ({
      tokens,
      inputs: {
        ...(target_tokens !== undefined && { target_tokens }),
        weights: {
          data: Float32Array.from(
            custom.outputs[index]?.logprobs?.data ?? [],
            (x, i) => -slope(x, second?.data[i] ?? NaN),
          ),
          shape: [tokens.length],
        },
      },
    }));
    const twoPass = await train(engine, { data: surrogate, loss: 'cross_entropy' });
    expect(custom.norm).toBeGreaterThan(0);
    expect(Math.abs(custom.norm - twoPass.norm)).toBeLessThan(1e-5 * twoPass.norm);
    custom.weights.forEach((weight, i) => {
      expect(Math.abs(weight - (twoPass.weights[i] ?? NaN))).toBeLessThan(1e-5);
    });
  });

  it('has reductions, sizes, slices and metrics of each datum alone, on both runtimes', async () => {
    const customLoss = lossOf([
      node('mean', 'torch.mean', [p], { dim: -1 }),
      node('shape', 'getattr', [p, 'shape']),
      node('n', 'operator.getitem', [ref('shape'), 0]),
      node('count', 'operator.mul', [ref('n'), 2]),
      node('rest', 'operator.getitem', [p, { slice: [1, null, null] }]),
      node('running', 'torch.cumsum', [ref('rest')], { dim: 0 }),
      node('last', 'operator.getitem', [ref('running'), -1]),
      node('top', 'torch.logsumexp', [p], { dim: 0 }),
      node('centred', 'operator.sub', [p, ref('mean')]),
      node('spread', 'torch.mean', [ref('centred')]),
      node('both', 'operator.add', [ref('last'), ref('top')]),
      node('loss', 'operator.add', [ref('both'), ref('spread')]),
      output(ref('loss'), {
        'custom/mean:mean': ref('mean'),
        'custom/n:sum': ref('count'),
        'custom/max:sum': ref('top'),
      }),
    ]);
    checkCustomLoss(customLoss);
    const job = { data, loss: 'custom', customLoss };
    const compiled = await train(engine, job);
    const plain = await train(await createInProcessEngine({ runtime: 'plain' }), job);
    const rows = compiled.outputs.map(({ logprobs }) => [...(logprobs?.data ?? [])]);
    const total = (row: readonly number[]): number => row.reduce((sum, x) => sum + x, 0);
    const top = rows.map((row) => Math.log(total(row.map(Math.exp))));
    const expected = {
      'loss:sum': total(rows.map((row) => total(row.slice(1)))) + total(top),
      'custom/mean:mean': total(rows.map((row) => total(row) / row.length)) / 3,
      'custom/n:sum': 38,
      'custom/max:sum': total(top),
      'num_tokens:sum': 19,
    };
    for (const { metrics } of [compiled, plain]) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(expected).sort());
      for (const [key, value] of Object.entries(expected)) expect(metrics[key]).toBeCloseTo(value, 3);
    }
    expect(Math.abs(compiled.norm - plain.norm)).toBeLessThan(1e-4 * plain.norm);
  });

  it('of the most nodes runs in a row without an overflow', async () => {
    const chain = Array.from({ length: 490 }, (_, i) =>
      node(`x${String(i)}`, 'operator.mul', [i === 0 ? p : ref(`x${String(i - 1)}`), 1.001]),
    );
    const customLoss = lossOf([...chain, node('s', 'torch.sum', [ref('x489')]), output(ref('s'))]);
    checkCustomLoss(customLoss);
    const { metrics } = await train(engine, { data: data.slice(1, 2), loss: 'custom', customLoss });
    expect(metrics['loss:sum']).toBeLessThan(0);
  });

  it.each([
    ['an unknown function', summed('torch.fft.fft', [p]), /nodes\.2 \(y, call_function torch\.fft\.fft\).*function/],
    ['a way to the host', summed('item', [p]), /method/],
    ['an inherited name', summed('torch.constructor', [p]), /function/],
    ['a later node', summed('torch.exp', [ref('total')]), /nodes\.2 \(y.*earlier node/],
    ['an unknown option', summed('torch.exp', [p], { out: a }), /out/],
    ['a wrong axis', summed('torch.sum', [p], { dim: 1 }), /axis from -1 to 0/],
    [
      'sizes that differ',
      lossOf([
        node('x', 'operator.getitem', [p, { slice: [1, null, null] }]),
        node('y', 'operator.mul', [ref('x'), a]),
        node('s', 'sum', [ref('y')]),
        output(ref('s')),
      ]),
      /nodes\.3 \(y.*broadcast/,
    ],
    ['a loss that is no scalar', lossOf([output(p)]), /scalar/],
    ['no gradient', lossOf([node('s', 'torch.sum', [a]), output(ref('s'))]), /logprobs/],
    [
      'a metric by another name',
      lossOf([node('s', 'torch.sum', [p]), output(ref('s'), { 'loss:sum': ref('s') })]),
      /custom\/<name>/,
    ],
    ['another type', summed('torch.sum', [p], { dtype: { dtype: 'float64' } }), /float32/],
    ['no output', lossOf([]), /output/],
    [
      'too many nodes',
      lossOf(Array.from({ length: 500 }, (_, i) => node(`x${String(i)}`, 'torch.exp', [p]))),
      /at most 500/,
    ],
  ])('with %s is refused', (_, loss, message) => {
    expect(() => {
      checkCustomLoss(loss);
    }).toThrow(message);
  });

  it('of any graph is taken, or refused as the fault of the caller', () => {
    const value = fc.oneof(
      fc.constantFrom(p, a, ref('x0'), ref('x1'), ref('none'), null, true, 'text', [p], { tuple: [0, -1] }),
      fc.integer({ min: -3, max: 3 }),
      fc.constant({ slice: [1, -1, null] }),
      fc.jsonValue(),
    );
    const targets = [
      'torch.exp',
      'operator.getitem',
      'sum',
      'torch.where',
      'torch.cat',
      'clamp',
      'getattr',
      'torch.max',
      'size',
      'unsqueeze',
      'torch.zeros_like',
      'operator.and_',
      'toString',
    ];
    const call = fc.tuple(
      fc.constantFrom(...targets),
      fc.array(value, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('dim', 'min', 'keepdim'), value),
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 6 }), value, (calls, result) => {
        const nodes = calls.map(([target, args, kwargs], i) => node(`x${String(i)}`, target, args, kwargs));
        try {
          checkCustomLoss(lossOf([...nodes, output(result)]));
        } catch (error) {
          expect(error).toMatchObject({ name: 'TinkerError', code: 'bad_request' });
        }
      }),
      { numRuns: 500 },
    );
  });
});
