import { expect } from 'vitest';
import { constant, evaluate, gradient, input, mul, sum, type Node, type Tensor } from '../../src/graph/index.js';

/** A float64 tensor, so that differences are sharp. */
export function tensor(shape: readonly number[], next: () => number): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: Float64Array.from({ length }, next), shape };
}

/** Pseudorandom numbers in 0 … 1 from a seed. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Checks the derivative of an expression by each of its float inputs, element by element, against central differences
 * of a random weighted sum of its values.
 */
export function expectDerivative(build: (...inputs: Node[]) => Node, tensors: readonly Tensor[], seed = 1): void {
  const inputs = tensors.map(({ data, shape }, i) =>
    input(`x${String(i)}`, shape, data instanceof Int32Array ? 'int32' : 'float32'),
  );
  const output = build(...inputs);
  const feeds = Object.fromEntries(tensors.map((value, i) => [`x${String(i)}`, value]));
  const next = uniform(seed);
  const { value } = evaluate({ value: output }, feeds, { precision: 'float64' });
  const weights = Float32Array.from(value.data, () => next() + 0.5);
  const loss = sum(mul(output, constant(weights, value.shape)));
  const wrt = inputs.filter(({ dtype }) => dtype === 'float32');
  const gradients = gradient(loss, wrt);
  const results = evaluate(Object.fromEntries(gradients.map((node, i) => [String(i), node])), feeds, {
    precision: 'float64',
  });
  wrt.forEach((node, i) => {
    const { name } = node.attributes;
    const { data, shape } = feeds[name] ?? { data: new Float64Array(), shape: [] };
    expect(results[String(i)]?.shape).toEqual(shape);
    const step = 1e-5;
    const numeric = Array.from(data, (_, at) => {
      const [up, down] = [step, -step].map((change) => {
        const moved = Float64Array.from(data, (number, j) => (j === at ? number + change : number));
        return evaluate({ loss }, { ...feeds, [name]: { data: moved, shape } }, { precision: 'float64' }).loss.data[0];
      });
      return ((up ?? NaN) - (down ?? NaN)) / (2 * step);
    });
    numeric.forEach((expected, at) => {
      const actual = results[String(i)]?.data[at] ?? NaN;
      expect(
        Math.abs(actual - expected),
        `${name}[${String(at)}]: ${String(actual)}, differences ${String(expected)}`,
      ).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
    });
  });
}
