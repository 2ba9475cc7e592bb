import { describe, expect, it } from 'vitest';
import {
  add,
  evaluate,
  exp,
  detach,
  gradient,
  gradientOrNull,
  input,
  isOperation,
  logprob,
  matmul,
  mul,
  rmsNorm,
  silu,
  softmax,
  sum,
  topologicalOrder,
  valueAndGradient,
  type Node,
} from '../../src/graph/index.js';
import { expectDerivative, tensor, uniform } from './finiteDifferences.js';

const operationsOf = (nodes: readonly Node[]): string[] => topologicalOrder(nodes).map(({ operation }) => operation);

describe('gradient', () => {
  it('adds what reaches a node by several ways', () => {
    const x = input('x', ['n']);
    const feeds = { x: { data: new Float32Array([1, 2]), shape: [2] } };
    expect(valueAndGradient(sum(add(mul(x, x), x)), [x], feeds)).toEqual({
      value: 8,
      gradients: [{ data: new Float32Array([3, 5]), shape: [2] }],
    });
  });

  it('is zeros where the loss does not depend on a node', () => {
    const [x, y] = [input('x', ['n']), input('y', ['k', 2])];
    const feeds = {
      x: { data: new Float32Array([1]), shape: [1] },
      y: { data: new Float32Array(6), shape: [3, 2] },
    };
    expect(valueAndGradient(sum(x), [y], feeds).gradients).toEqual([{ data: new Float32Array(6), shape: [3, 2] }]);
  });

  it('says where no gradient flows, if asked', () => {
    const [x, y] = [input('x', ['n']), input('y', ['n'])];
    expect(gradientOrNull(sum(add(x, detach(y))), [x, y]).map((node) => node === null)).toEqual([false, true]);
  });

  it('can be by a node in the middle, and by the loss itself', () => {
    const x = input('x', [2]);
    const y = exp(x);
    const loss = sum(mul(y, y));
    const feeds = { x: { data: new Float32Array([0, 1]), shape: [2] } };
    const [byY, byLoss] = valueAndGradient(loss, [y, loss], feeds).gradients;
    expect([...(byY?.data ?? [])]).toEqual([2, Math.fround(2 * Math.fround(Math.E))]);
    expect([...(byLoss?.data ?? [])]).toEqual([1]);
  });

  it('is a graph that can be differentiated again', () => {
    const random = uniform(3);
    const byX = (loss: Node, x: Node): Node => gradient(loss, [x])[0] ?? x;
    for (const build of [softmax, silu, rmsNorm, (x: Node) => mul(exp(x), x)])
      expectDerivative((x, w) => byX(sum(mul(build(x), w)), x), [tensor([2, 3], random), tensor([2, 3], random)]);
    const targets = { data: new Int32Array([1, 3]), shape: [2] };
    expectDerivative((x, ids) => byX(sum(logprob(x, ids)), x), [tensor([2, 4], random), targets]);
  });

  it('does not write into the feeds, nor give their arrays away', () => {
    const [x, y] = [input('x', []), input('y', [])];
    const feeds = { x: { data: new Float32Array([2]), shape: [] }, y: { data: new Float32Array([3]), shape: [] } };
    const [byX] = valueAndGradient(mul(x, y), [x], feeds).gradients;
    byX?.data.fill(9);
    expect([...feeds.x.data, ...feeds.y.data]).toEqual([2, 3]);
  });

  it('refuses a loss that is no scalar, and integers', () => {
    const x = input('x', ['n']);
    expect(() => gradient(x, [x])).toThrow(/Expected a scalar loss, of shape \[\], got "\[n\]". Reduce it/);
    expect(() => gradient(sum(x), [input('ids', [2], 'int32')])).toThrow(/float32 nodes/);
  });

  it('goes through a chain of ten thousand operations', () => {
    const x = input('x', []);
    let y: Node = x;
    for (let i = 0; i < 10_000; i++) y = add(y, x);
    const feeds = { x: { data: new Float32Array([1]), shape: [] } };
    expect(valueAndGradient(y, [x], feeds)).toEqual({
      value: 10_001,
      gradients: [{ data: new Float32Array([10_001]), shape: [] }],
    });
  });
});

describe('the derived graph is the one that a hand would write', () => {
  it('transposes by flags, and multiplies a shared matrix with the flattened batch', () => {
    const [x, w] = [input('x', ['batch', 'sequence', 4]), input('w', [4, 5])];
    const [byX, byW] = gradient(sum(matmul(x, w, { alpha: 0.5 })), [x, w]);
    if (byX === undefined || byW === undefined) expect.fail('no gradients');
    expect(operationsOf([byX, byW])).not.toContain('transpose');
    expect(isOperation(byX, 'matmul') && byX.attributes).toEqual({ transA: false, transB: true, alpha: 0.5 });
    expect(isOperation(byW, 'matmul') && byW.attributes).toEqual({ transA: true, transB: false, alpha: 0.5 });
    expect(byW.inputs.map(({ shape }) => shape)).toEqual([
      ['batch*sequence', 4],
      ['batch*sequence', 5],
    ]);
  });

  it('of logprob is one-hot minus softmax, times the upstream column, with the log-softmax used again', () => {
    const [x, ids] = [input('x', ['n', 4]), input('ids', ['n'], 'int32')];
    const loss = sum(logprob(x, ids));
    const [byX] = gradient(loss, [x]);
    if (byX === undefined) expect.fail('no gradient');
    const operations = operationsOf([loss, byX]);
    expect(operations.filter((name) => name === 'logSoftmax')).toHaveLength(1);
    expect(operations).not.toContain('softmax');
    expect(operations).toContain('oneHot');
  });

  it('of silu and rmsNorm uses the sigmoid and the scale of the forward pass', () => {
    const x = input('x', ['n', 4]);
    const loss = sum(silu(rmsNorm(x)));
    const operations = operationsOf([loss, ...gradient(loss, [x])]);
    expect(operations.filter((name) => name === 'sigmoid')).toHaveLength(1);
    expect(operations.filter((name) => name === 'inverseRms')).toHaveLength(1);
  });

  it('computes each shared node once', () => {
    const x = input('x', ['n']);
    let reads = 0;
    const feeds = Object.defineProperty({}, 'x', {
      get: () => {
        reads++;
        return { data: new Float32Array([1]), shape: [1] };
      },
    });
    evaluate({ a: exp(x), b: mul(x, exp(x)) }, feeds);
    expect(reads).toBe(1);
  });
});
