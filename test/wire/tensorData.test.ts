import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TensorData } from '../../src/wire/tensorData.js';

describe('TensorData', () => {
  it('takes its dtype from the array and keeps the array itself', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = new TensorData(data, [2, 3]);
    expect(tensor.data).toBe(data);
    expect(tensor).toMatchObject({ dtype: 'float32', shape: [2, 3], length: 6 });
    expect(new TensorData(Int32Array.of(1)).dtype).toBe('int64');
    expect(new TensorData(BigInt64Array.of(1n)).dtype).toBe('int64');
  });

  it('has one dimension by default, none for a scalar', () => {
    expect(new TensorData(Int32Array.of(1, 2)).shape).toEqual([2]);
    expect(new TensorData(Int32Array.of(7), []).toArray()).toEqual([7]);
  });

  it.each([[[4]], [[2, 2]], [[-1, -3]], [[1.5, 2]], [[]]])('refuses shape %j for three elements', (shape) => {
    expect(() => new TensorData(Float32Array.of(1, 2, 3), shape)).toThrow(
      `Expected a shape for 3 elements, got "[${shape.join(', ')}]".`,
    );
  });

  it('gives back the numbers that it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), (values) => {
        expect(new TensorData(Int32Array.from(values)).toArray()).toEqual(values);
        expect(new TensorData(BigInt64Array.from(values, BigInt)).toArray()).toEqual(values);
      }),
    );
  });

  it('makes a tfjs tensor, int64 as int32', () => {
    const tf = { tensor: (...given: unknown[]) => given };
    const floats = Float32Array.of(1, 2);
    expect(new TensorData(floats, [2, 1]).toTensor(tf)).toEqual([floats, [2, 1], 'float32']);
    expect(new TensorData(BigInt64Array.of(1n, -2n)).toTensor(tf)).toEqual([Int32Array.of(1, -2), [2], 'int32']);
  });

  it('puts the values of a sparse matrix in their places', () => {
    const sparse = { crowIndices: Int32Array.of(0, 2, 2, 3), colIndices: Int32Array.of(0, 2, 1) };
    const matrix = new TensorData(Float32Array.of(1, 2, 3), [3, 3], sparse);
    expect(matrix.length).toBe(9);
    expect(matrix.toArray()).toEqual([1, 0, 2, 0, 0, 0, 0, 3, 0]);
    expect(matrix.dense().sparse).toBeUndefined();
    const dense = new TensorData(Float32Array.of(1), [1]);
    expect(dense.dense()).toBe(dense);
    expect(new TensorData(BigInt64Array.of(1n, 2n, 3n), [3, 3], sparse).toArray()).toEqual(matrix.toArray());
  });

  it.each([
    ['three dimensions', [3, 3, 1], [0, 2, 2, 3], [0, 2, 1], 'two dimensions'],
    ['too few row starts', [3, 3], [0, 2, 3], [0, 2, 1], '4 ascending crowIndices'],
    ['row starts that go back', [3, 3], [0, 2, 1, 3], [0, 2, 1], '4 ascending crowIndices'],
    ['row starts that leave values out', [3, 3], [0, 1, 2, 2], [0, 2, 1], 'from 0 to 3'],
    ['a column outside', [3, 2], [0, 2, 2, 3], [0, 2, 1], 'a column below 2'],
    ['too few columns', [3, 3], [0, 2, 2, 3], [0, 2], 'got "2 columns"'],
  ])('refuses a sparse matrix of %s', (_, shape, crow, columns, message) => {
    const sparse = { crowIndices: Int32Array.from(crow), colIndices: Int32Array.from(columns) };
    expect(() => new TensorData(Float32Array.of(1, 2, 3), shape, sparse)).toThrow(message);
  });
});
