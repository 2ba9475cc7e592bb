import { describe, expect, it } from 'vitest';
import {
  add,
  concat,
  evaluateNodes,
  gather,
  input,
  logprob,
  matmul,
  mul,
  neg,
  repeatInterleave,
  reshape,
  rmsNorm,
  rope,
  silu,
  slice,
  softmax,
  sum,
  topologicalOrder,
  transpose,
  gradient,
  type Node,
  type Tensor,
} from '../../src/graph/index.js';
import { tensor, uniform } from './finiteDifferences.js';

const [width, heads, groups, headWidth, hidden, rank, vocabulary] = [8, 4, 2, 4, 12, 2, 11];
const [batch, sequence] = [2, 5];

/** A decoder of one layer with LoRA on every projection, grouped-query attention and a tied head. */
function decoder() {
  const parameters = new Map<string, Node<'input'>>();
  const parameter = (name: string, shape: readonly number[]): Node => {
    const node = input(name, shape);
    parameters.set(name, node);
    return node;
  };
  const linear = (x: Node, name: string, inputs: number, outputs: number): Node => {
    const low = matmul(x, parameter(`${name}.a`, [inputs, rank]), { alpha: 16 });
    return add(
      matmul(x, parameter(`${name}.weight`, [inputs, outputs])),
      matmul(low, parameter(`${name}.b`, [rank, outputs])),
    );
  };
  const norm = (x: Node, name: string): Node => mul(rmsNorm(x), parameter(name, [width]));
  const split = (x: Node, count: number): Node =>
    transpose(reshape(x, ['batch', 'sequence', count, headWidth]), [0, 2, 1, 3]);

  const ids = input('ids', ['batch', 'sequence'], 'int32');
  const targets = input('targets', ['batch', 'sequence'], 'int32');
  const [cos, sin] = ['cos', 'sin'].map((name) => input(name, ['sequence', headWidth / 2]));
  const positions = input('positions', ['batch', 'sequence'], 'int32');
  const turn = (x: Node): Node => (cos === undefined || sin === undefined ? x : rope(x, cos, sin, positions));
  const embedding = parameter('embedding', [vocabulary, width]);
  let x: Node = gather(embedding, ids);
  const h = norm(x, 'attention.norm');
  const q = split(turn(linear(h, 'q', width, heads * headWidth)), heads);
  const k = split(turn(linear(h, 'k', width, groups * headWidth)), groups);
  const v = split(linear(h, 'v', width, groups * headWidth), groups);
  const repeated = [k, v].map((node) => repeatInterleave(node, heads / groups, 1));
  const scores = matmul(q, repeated[0] ?? k, { transB: true, alpha: headWidth ** -0.5 });
  const attention = softmax(add(scores, input('mask', ['sequence', 'sequence'])));
  const mixed = transpose(matmul(attention, repeated[1] ?? v), [0, 2, 1, 3]);
  x = add(x, linear(reshape(mixed, ['batch', 'sequence', heads * headWidth]), 'o', heads * headWidth, width));
  const h2 = norm(x, 'mlp.norm');
  const gated = mul(silu(linear(h2, 'gate', width, hidden)), linear(h2, 'up', width, hidden));
  x = add(x, linear(gated, 'down', hidden, width));
  const logprobs = logprob(matmul(norm(x, 'norm'), embedding, { transB: true }), targets);
  return { loss: neg(sum(mul(logprobs, input('weights', ['batch', 'sequence'])))), parameters };
}

function feedsOf(parameters: ReadonlyMap<string, Node>): Record<string, Tensor> {
  const random = uniform(11);
  const centered = (): number => random() - 0.5;
  const sizes = (node: Node): number[] => node.shape.map(Number);
  const tokens = (): Tensor => ({
    data: Int32Array.from({ length: batch * sequence }, () => Math.floor(random() * vocabulary)),
    shape: [batch, sequence],
  });
  const half = headWidth / 2;
  const angle = (i: number): number => Math.floor(i / half) / 10 ** (i % half);
  const table = (of: (angle: number) => number): Tensor => ({
    data: Float64Array.from({ length: sequence * half }, (_, i) => of(angle(i))),
    shape: [sequence, half],
  });
  const mask = Float64Array.from({ length: sequence ** 2 }, (_, i) =>
    i % sequence > Math.floor(i / sequence) ? -1e9 : 0,
  );
  return {
    ...Object.fromEntries([...parameters].map(([name, node]) => [name, tensor(sizes(node), centered)])),
    ids: tokens(),
    targets: tokens(),
    weights: tensor([batch, sequence], random),
    cos: table(Math.cos),
    sin: table(Math.sin),
    positions: {
      data: Int32Array.from({ length: batch * sequence }, (_, i) => i % sequence),
      shape: [batch, sequence],
    },
    mask: { data: mask, shape: [sequence, sequence] },
  };
}

describe('a decoder with LoRA and grouped-query attention', () => {
  const { loss, parameters } = decoder();
  const names = [...parameters.keys()];
  const gradients = gradient(loss, [...parameters.values()]);
  const feeds = feedsOf(parameters);
  const lossAt = (moved: Record<string, Tensor>): number =>
    evaluateNodes([loss], { ...feeds, ...moved }, { precision: 'float64' })[0]?.data[0] ?? NaN;

  it('has the derivative of finite differences in each parameter, along a random direction', () => {
    const values = evaluateNodes(gradients, feeds, { precision: 'float64' });
    const random = uniform(12);
    names.forEach((name, i) => {
      const { data, shape } = feeds[name] ?? tensor([], random);
      const direction = Float64Array.from(data, () => random() - 0.5);
      const step = 1e-5;
      const moved = (by: number): Record<string, Tensor> => ({
        [name]: { data: Float64Array.from(data, (value, j) => value + by * (direction[j] ?? 0)), shape },
      });
      const numeric = (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
      const exact = direction.reduce((total, value, j) => total + value * (values[i]?.data[j] ?? NaN), 0);
      expect(Math.abs(exact - numeric), `${name}: ${String(exact)}, differences ${String(numeric)}`).toBeLessThan(
        1e-6 * Math.max(1, Math.abs(numeric)),
      );
    });
  });

  it('is the same in float32, to rounding', () => {
    const exact = evaluateNodes([loss, ...gradients], feeds, { precision: 'float64' });
    const rounded = evaluateNodes([loss, ...gradients], feeds);
    exact.forEach(({ data }, i) => {
      const scale = Math.max(...data.map(Math.abs), 1e-3);
      data.forEach((value, j) => expect(Math.abs((rounded[i]?.data[j] ?? NaN) - value)).toBeLessThan(1e-4 * scale));
    });
  });

  it('transposes nothing in the backward pass but what the forward pass transposed', () => {
    const count = (nodes: readonly Node[]): number =>
      topologicalOrder(nodes).filter(({ operation }) => operation === 'transpose').length;
    expect(count([loss, ...gradients])).toBe(2 * count([loss]));
  });

  it('gives a sequence the logprobs that it gives its parts with a cache of keys and values', () => {
    const [past, now] = [input('past', ['batch', 'past', 4]), input('now', ['batch', 'new', 4])];
    const query = input('query', ['batch', 'new', 4]);
    const attend = (q: Node, kv: Node): Node => matmul(softmax(matmul(q, kv, { transB: true })), kv);
    const random = uniform(13);
    const all = tensor([2, 5, 4], random);
    const whole = input('whole', ['batch', 'total', 4]);
    const part = (from: number, to?: number): Node => slice(whole, 1, from, to);
    const [first, last] = evaluateNodes([part(0, 3), part(3)], { whole: all }, { precision: 'float64' });
    if (first === undefined || last === undefined) expect.fail('no parts');
    const cached = attend(query, concat([past, now], 1));
    const feedsOfParts = { past: first, now: last, query: last, whole: all };
    const results = evaluateNodes([cached, attend(query, whole)], feedsOfParts, { precision: 'float64' });
    expect(results[0]).toEqual(results[1]);
  });
});
