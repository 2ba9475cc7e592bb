import { describe, expect, it } from 'vitest';
import { attentionError } from '../../../src/local/engine/attentionError.js';
import { loadRuntime } from '../../../src/local/engine/loadRuntime.js';
import type { Runtime, Tensors } from '../../../src/local/engine/runtime.js';

/** A runtime whose results are changed. */
function changed(runtime: Runtime, change: (value: number, index: number) => number): Runtime {
  return {
    ...runtime,
    async compile(outputs) {
      const program = await runtime.compile(outputs);
      return {
        run: async (inputs): Promise<Tensors> =>
          Object.fromEntries(
            Object.entries(await program.run(inputs)).map(([name, { data, shape }]) => [
              name,
              { data: Float32Array.from(data, change), shape },
            ]),
          ),
      };
    },
  };
}

describe('attentionError', async () => {
  const runtime = await loadRuntime('onnxruntime-node', 1);

  it('is small where a runtime computes attention right', async () => {
    expect(await attentionError(runtime)).toBeLessThan(1e-6);
  });

  it('tells what is off, and numbers that are none', async () => {
    const off = await attentionError(changed(runtime, (value, i) => (i === 9 ? value + 0.5 : value)));
    expect(off).toBeCloseTo(0.5, 5);
    expect(await attentionError(changed(runtime, () => NaN))).toBe(Infinity);
  });
});
