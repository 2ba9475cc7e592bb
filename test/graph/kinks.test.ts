import { describe, expect, it } from 'vitest';
import {
  abs,
  clamp,
  input,
  max,
  maximum,
  minimum,
  pow,
  sum,
  valueAndGradient,
  type Node,
} from '../../src/graph/index.js';

/** Gradient of the sum of an expression by its inputs. */
function gradients(build: (...nodes: Node[]) => Node, ...values: number[][]): number[][] {
  const inputs = values.map((data, i) => input(`x${String(i)}`, [data.length]));
  const feeds = Object.fromEntries(
    values.map((data, i) => [`x${String(i)}`, { data: Float32Array.from(data), shape: [data.length] }]),
  );
  return valueAndGradient(sum(build(...inputs)), inputs, feeds).gradients.map(({ data }) => [...data]);
}

describe('derivatives where there is no unique one, as PyTorch gives them', () => {
  it('abs has 0 at 0', () => expect(gradients(abs, [-1, 0, 2])).toEqual([[-1, 0, 1]]));

  it('clamp passes the gradient at its bounds', () =>
    expect(gradients((x) => clamp(x, -1, 1), [-2, -1, 0, 1, 2])).toEqual([[0, 1, 1, 1, 0]]));

  it('maximum and minimum give each of two equal values half', () => {
    expect(gradients((x, y) => maximum(x, y), [1, 2, 3], [2, 2, 2])).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]);
    expect(gradients((x, y) => minimum(x, y), [1, 2, 3], [2, 2, 2])).toEqual([
      [1, 0.5, 0],
      [0, 0.5, 1],
    ]);
  });

  it('max shares the gradient among equal largest values', () =>
    expect(gradients((x) => max(x), [3, 1, 3])).toEqual([[0.5, 0, 0.5]]));

  it('pow at 0 has no infinite derivative by an exponent, nor by a base to the power of 0', () => {
    expect(gradients((x, y) => pow(x, y), [0, 0], [0, 2])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(gradients((x) => pow(x, 2), [0, 3])).toEqual([[0, 6]]);
  });
});
