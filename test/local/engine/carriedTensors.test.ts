import { Tensor } from 'onnxruntime-common';
import { describe, expect, it } from 'vitest';
import { CarriedTensors } from '../../../src/local/engine/carriedTensors.js';
import { nextName } from '../../../src/local/engine/onnx/carriedCaches.js';

/** Results of a run, and which of them were disposed of. */
function results(run: number) {
  const disposed: string[] = [];
  const tensor = (name: string): Tensor => {
    const made = new Tensor('float32', Float32Array.of(run), [1]);
    const dispose = made.dispose.bind(made);
    made.dispose = () => {
      disposed.push(name);
      dispose();
    };
    return made;
  };
  const names = ['logprobs', nextName('key'), nextName('value')];
  return { disposed, tensors: Object.fromEntries(names.map((name) => [name, tensor(name)])) };
}

describe('CarriedTensors', () => {
  it('keeps the caches of the last run of each keeper, and disposes of those before', () => {
    const carried = new CarriedTensors(['key', 'value']);
    const [one, two] = [{}, {}];
    const [first, second, other] = [results(1), results(2), results(3)];
    expect(carried.take(first.tensors, one).map(([name]) => name)).toEqual(['logprobs']);
    carried.take(other.tensors, two);
    expect(carried.of(one)).toEqual({ key: first.tensors['key next'], value: first.tensors['value next'] });
    carried.take(second.tensors, one);
    expect(first.disposed).toEqual(['key next', 'value next']);
    expect(carried.of(one)?.key).toBe(second.tensors['key next']);
    expect(carried.of(two)?.key).toBe(other.tensors['key next']);
    carried.drop(one);
    expect(carried.has(one)).toBe(false);
    expect([second.disposed, other.disposed]).toEqual([['key next', 'value next'], []]);
  });

  it('keeps nothing without a keeper', () => {
    const run = results(1);
    new CarriedTensors(['key', 'value']).take(run.tensors, undefined);
    expect(run.disposed).toEqual(['key next', 'value next']);
  });
});
