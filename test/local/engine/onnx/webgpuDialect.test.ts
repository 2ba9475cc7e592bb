import onnx from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { cachedAttention, evaluate, gather, input, type Node } from '../../../../src/graph/index.js';
import { carriedCaches, nextName } from '../../../../src/local/engine/onnx/carriedCaches.js';
import { copyModel, copyName } from '../../../../src/local/engine/onnx/copyModel.js';
import { makeTensor } from '../../../../src/local/engine/onnx/makeTensor.js';
import { toOnnx } from '../../../../src/local/engine/onnx/toOnnx.js';
import { webgpuDialect } from '../../../../src/local/engine/onnx/webgpuDialect.js';
import { store } from '../../../../src/local/engine/precision.js';
import type { RuntimeInputs, StoredPrecisions } from '../../../../src/local/engine/runtime.js';
import { cases, feeds } from './lowerings.cases.js';

/** Runs a model on the processor, which has kernels of all that a GPU has. */
async function runModel(model: Uint8Array, inputs: RuntimeInputs) {
  const session = await onnx.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const tensors = session.inputNames.map((name) => {
    const given = inputs[name] ?? { data: new Float32Array(), shape: [0] };
    return [name, makeTensor(onnx.Tensor, given)] as const;
  });
  return session.run(Object.fromEntries(tensors));
}

const value = (node: Node, stored?: StoredPrecisions): Uint8Array => toOnnx({ value: node }, {}, stored, webgpuDialect);

describe('what is written for WebGPU', () => {
  it.each(Object.entries(cases))('%s computes what its plain evaluation does', async (_, nodes) => {
    for (const node of nodes) {
      const [found, expected] = [(await runModel(value(node), feeds)).value, evaluate({ value: node }, feeds).value];
      expect(found?.dims).toEqual(expected.shape);
      expected.data.forEach((number, i) => {
        expect(Math.abs(Number(found?.data[i] ?? NaN) - number)).toBeLessThanOrEqual(3e-6 * (1 + Math.abs(number)));
      });
    }
  });

  it('has no node that WebGPU lacks', () => {
    const names = Object.values(cases)
      .flat()
      .map((node) => Buffer.from(value(node)).toString('latin1'));
    for (const name of ['FusedMatMul', 'LogSoftmax', 'OneHot', 'Sign'])
      expect(names.filter((bytes) => bytes.includes(name))).toEqual([]);
  });

  it('gives the cache of an attention with the new tokens', async () => {
    const [heads, headDim, slots] = [2, 8, 5];
    const cache = (name: string): Node => input(name, ['rows', heads, 'slots', headDim]);
    const fresh = input('fresh', ['rows', 'new', heads * headDim]);
    const [pastKey, pastValue] = [cache('pastKey'), cache('pastValue')];
    const inputNodes = { query: fresh, key: fresh, value: fresh, pastKey, pastValue };
    const node = cachedAttention({ ...inputNodes, ends: input('ends', ['rows'], 'int32') });
    const numbers = (from: number, ...shape: number[]) => ({
      data: Float32Array.from({ length: shape.reduce((size, part) => size * part) }, (_, i) => Math.sin(from + i)),
      shape,
    });
    const inputs = {
      fresh: numbers(0, 2, 1, heads * headDim),
      pastKey: numbers(1, 2, heads, slots, headDim),
      pastValue: numbers(2, 2, heads, slots, headDim),
      ends: { data: Int32Array.of(3, 1), shape: [2] },
    };
    expect(carriedCaches({ node })).toEqual(['pastKey', 'pastValue']);
    const found = await runModel(value(node), inputs);
    for (const name of ['pastKey', 'pastValue'] as const) {
      const next = found[nextName(name)]?.data;
      // Each row has its new token behind those that it held; what lies behind that is not used.
      for (const [row, end] of inputs.ends.data.entries())
        for (let head = 0; head < heads; head++)
          for (let slot = 0; slot <= end; slot++)
            for (let i = 0; i < headDim; i++) {
              const at = ((row * heads + head) * slots + slot) * headDim + i;
              const expected =
                slot < end ? inputs[name].data[at] : inputs.fresh.data[(row * heads + head) * headDim + i];
              expect(next?.[at], `${name} ${String([row, head, slot, i])}`).toBe(expected);
            }
    }
  });

  it('takes rows from a table of int8 once it is widened', async () => {
    const table = { data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), shape: [6, 4] };
    const indices = { data: Int32Array.of(5, 0, 3), shape: [3] };
    const rows = gather(input('table', table.shape), input('indices', ['n'], 'int32'));
    const inputs = { ...store('table', table.data, table.shape, 'int8'), indices };
    const found = await runModel(value(rows, new Map([['table', 'int8']])), inputs);
    const expected = evaluate({ rows }, { table, indices }).rows.data;
    expected.forEach((number, i) => {
      expect(Math.abs(Number(found.value?.data[i]) - number)).toBeLessThan(5e-3);
    });
  });

  it('copies inputs of each type', async () => {
    const inputs: RuntimeInputs = {
      floats: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      integers: { data: Int32Array.of(5, 6), shape: [2] },
      halves: { type: 'float16', data: Uint16Array.of(15360, 16384), shape: [2] },
      bytes: { type: 'int8', data: Int8Array.of(-7, 8), shape: [1, 2] },
    };
    const copies = await runModel(copyModel(inputs), inputs);
    for (const [name, { data, shape }] of Object.entries(inputs)) {
      expect(copies[copyName(name)]?.dims).toEqual(shape);
      const copy = copies[copyName(name)]?.data;
      const numbers = ArrayBuffer.isView(copy) ? copy : new Uint8Array();
      expect(Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)).toEqual(
        Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      );
    }
  });
});
