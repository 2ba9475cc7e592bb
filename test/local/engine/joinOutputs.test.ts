import { describe, expect, it } from 'vitest';
import { concat, input, mul, reshape, sum, type Node } from '../../../src/graph/index.js';
import { joinOutputs } from '../../../src/local/engine/joinOutputs.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';

const x = input('x', ['batch', 'sequence', 2]);
const tokens = input('tokens', ['batch'], 'int32');
const feeds = {
  x: { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [2, 3, 2] },
  tokens: { data: Int32Array.of(4, 5), shape: [2] },
};

describe('joinOutputs', () => {
  it('gives each output of the graph from fewer', async () => {
    const runtime = await loadRuntime('plain', 1);
    const outputs = {
      scaled: mul(x, 2),
      total: sum(x),
      tokens,
      rows: sum(x, -1),
      // Its first size is that of no input.
      flat: reshape(x, ['batch*sequence', 2]),
      long: concat([x, x], 0),
      fixed: input('fixed', [3]),
    };
    const fixed = { data: Float32Array.of(7, 8, 9), shape: [3] };
    const joined = joinOutputs(outputs);
    expect(Object.keys(joined.outputs)).toEqual(['tokens', 'flat', 'long', 'joined outputs']);
    const inputs = { ...feeds, fixed };
    const [fewer, all] = [await runtime.compile(joined.outputs), await runtime.compile(outputs)];
    expect(joined.split(await fewer.run(inputs), inputs)).toEqual(await all.run(inputs));
  });

  it('finds sizes where an input that has them is left out', async () => {
    const y = input('y', ['batch', 'sequence', 2]);
    const joined = joinOutputs({ first: mul(x, y), second: sum(mul(x, y), -1) });
    const runtime = await loadRuntime('plain', 1);
    const results = await (await runtime.compile(joined.outputs)).run({ ...feeds, y: feeds.x });
    for (const left of [{ x: feeds.x }, { y: feeds.x }])
      expect(Object.values(joined.split(results, left)).map(({ shape }) => shape)).toEqual([
        [2, 3, 2],
        [2, 3],
      ]);
  });

  it('leaves one output as it is', () => {
    const outputs: Record<string, Node> = { scaled: mul(x, 2), tokens };
    expect(joinOutputs(outputs).outputs).toBe(outputs);
  });
});
