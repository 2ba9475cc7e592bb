import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TensorData } from '../../src/wire/tensorData.js';
import { toTensorData } from '../../src/wire/toTensorData.js';

const path = 'data[3].lossFnInputs.weights';

describe('toTensorData', () => {
  it('keeps typed arrays of the wanted dtype without a copy', () => {
    const floats = Float32Array.of(0.5);
    const ints = Int32Array.of(1);
    const wide = BigInt64Array.of(2n);
    const tensor = new TensorData(floats, [1, 1]);
    expect(toTensorData(floats, 'float32', path).data).toBe(floats);
    expect(toTensorData(ints, 'int64', path).data).toBe(ints);
    expect(toTensorData(wide, 'int64', path).data).toBe(wide);
    expect(toTensorData(tensor, 'float32', path)).toBe(tensor);
    expect(toTensorData(wide, undefined, path).dtype).toBe('int64');
  });

  it('rounds number arrays to float32 as Math.fround does', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e38, max: 1e38 })), (values) => {
        expect(toTensorData(values, 'float32', path).toArray()).toEqual(values.map(Math.fround));
      }),
    );
  });

  it('keeps every safe integer, in 64 bits only where one needs them', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const tensor = toTensorData(values, 'int64', path);
        expect(tensor.toArray()).toEqual(values.map((value) => value + 0));
        expect(tensor.data instanceof Int32Array).toBe(values.every((value) => Math.abs(value + 0.5) < 2 ** 31));
      }),
    );
  });

  it('converts integer arrays to float32, keeping the shape', () => {
    const tensor = toTensorData(new TensorData(Int32Array.of(1, 2), [2, 1]), 'float32', path);
    expect(tensor).toMatchObject({ dtype: 'float32', shape: [2, 1] });
    expect(toTensorData(BigInt64Array.of(3n), 'float32', path).toArray()).toEqual([3]);
  });

  it.each([
    [[1, 2, 3, 4, 5, 6, 7, NaN], 'NaN at position 7'],
    [Float32Array.of(0, Infinity), 'Infinity at position 1'],
    [[1e39], '1e+39 at position 0'],
    [Float32Array.of(0, 1, 2, 3, 4, -Infinity, NaN, 7, 8), '-Infinity at position 5'],
    [Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, NaN), 'NaN at position 8'],
  ])('refuses what is not finite in float32: %#', (input, got) => {
    expect(() => toTensorData(input, 'float32', path)).toThrow(`Expected finite numbers in ${path}, got ${got}.`);
  });

  it.each([
    [[1, 2.5], '2.5 at position 1'],
    [[2 ** 60], `${2 ** 60} at position 0`],
  ])('refuses what is no integer for int64: %#', (input, got) => {
    expect(() => toTensorData(input, 'int64', path)).toThrow(`Expected integers in ${path}, got ${got}.`);
  });

  it('refuses floats for int64, other values, and number arrays without a dtype', () => {
    expect(() => toTensorData(Float32Array.of(1), 'int64', path)).toThrow(`Expected integers (int64) in ${path}`);
    expect(() => toTensorData('1' as never, 'float32', path)).toThrow('got "1"');
    expect(() => toTensorData([1, 'a'] as never, 'float32', path)).toThrow('got "a" at position 1');
    expect(() => toTensorData([1], undefined, 'data[0].lossFnInputs.mine')).toThrow(
      'Expected a Float32Array, Int32Array, BigInt64Array or TensorData in data[0].lossFnInputs.mine, got an array of 1.',
    );
  });
});
