import { describe, expect, it } from 'vitest';
import * as g from '../../../../src/graph/index.js';
import { loadRuntime } from '../../../../src/local/engine/loadRuntime.js';
import { cases, feeds } from './lowerings.cases.js';

const x = g.input('x', ['batch', 'sequence', 4]);

describe('lowerings', async () => {
  const runtime = await loadRuntime('onnxruntime-node', 1);

  it.each(Object.entries(cases))('%s computes in ONNX what its plain evaluation does', async (_, nodes) => {
    for (const node of nodes) {
      const outputs = { value: node };
      const [compiled, plain] = [await (await runtime.compile(outputs)).run(feeds), g.evaluate(outputs, feeds)];
      expect(compiled.value?.shape).toEqual(plain.value.shape);
      const actual = compiled.value?.data ?? [];
      expect(actual.length).toBe(plain.value.data.length);
      plain.value.data.forEach((expected, i) => {
        const difference = Math.abs((actual[i] ?? NaN) - expected);
        expect(difference, `element ${String(i)} is ${String(actual[i])}, not ${String(expected)}`).toBeLessThanOrEqual(
          2e-6 * Math.abs(expected) + (node === cases.expm1[1] || node === cases.log1p[1] ? 0 : 1e-6),
        );
      });
    }
  });

  it('refuses a reshape of which two sizes are known only at run time', async () => {
    const outputs = { value: g.reshape(x, ['sequence', 'batch', 4]) };
    await expect(runtime.compile(outputs)).rejects.toThrow('Expected a reshape that moves at most one size');
  });
});
