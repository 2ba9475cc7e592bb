import { describe, expect, it } from 'vitest';
import { gradient, input, matmul, mul, sum, topologicalOrder } from '../../../src/graph/index.js';
import { joinInputs } from '../../../src/local/engine/joinInputs.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';

const x = input('x', ['batch', 2]);
const [a, b] = [input('a', [3, 2]), input('b', [3, 4])];
const y = matmul(matmul(x, a, { transB: true }), b);
const loss = sum(mul(y, y));
const [byA = loss, byB = loss] = gradient(loss, [a, b]);
const outputs = { y, byA, byB };
const feeds = {
  x: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
  a: { data: Float32Array.of(1, -1, 2, 0.5, 0, 3), shape: [3, 2] },
  b: { data: Float32Array.from({ length: 12 }, (_, i) => i / 4), shape: [3, 4] },
};

describe('joinInputs', () => {
  it('cuts inputs out of one, to the same results', async () => {
    const runtime = await loadRuntime('plain', 1);
    const joined = joinInputs(outputs, new Set(['a', 'b', 'x', 'none']));
    const names = topologicalOrder(Object.values(joined.outputs)).flatMap(({ attributes, operation }) =>
      operation === 'input' && 'name' in attributes ? [attributes.name] : [],
    );
    // The rows of x are known at the run only.
    expect(new Set(names)).toEqual(new Set(['x', 'joined inputs']));
    const [fewer, all] = [await runtime.compile(joined.outputs), await runtime.compile(outputs)];
    expect(await fewer.run(joined.join(feeds))).toEqual(await all.run(feeds));
  });

  it('leaves a single input as it is', () => {
    const joined = joinInputs(outputs, new Set(['a']));
    expect(joined.outputs).toBe(outputs);
    expect(joined.join(feeds)).toBe(feeds);
  });
});
