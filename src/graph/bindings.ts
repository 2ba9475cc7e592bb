import { invalidArgument } from '../errors.js';
import { isOperation, type Node, type Shape } from './node.js';
import { describeShape } from './sizes.js';

/** The numbers that the names in shapes stand for in one evaluation. */
export class Bindings {
  readonly #numbers = new Map<string, number>();

  /**
   * Learns the names of a node's shape from its tensor's, and checks those already known.
   *
   * @throws TinkerError `invalid_argument` when they disagree.
   */
  bind(node: Node, shape: readonly number[]): void {
    const agrees =
      node.shape.length === shape.length &&
      node.shape.every((size, axis) => {
        const actual = shape[axis] ?? 0;
        if (typeof size === 'number') return size === actual;
        const known = this.#numbers.get(size);
        if (known === undefined) this.#numbers.set(size, actual);
        return known === undefined || known === actual;
      });
    if (agrees) return;
    const what = isOperation(node, 'input') ? `input ${node.attributes.name}` : `the result of ${node.operation}`;
    throw invalidArgument(`${what} of shape ${this.#describe(node.shape)}`, describeShape(shape));
  }

  /**
   * The numbers of a shape; one name may be unknown and follows from the number of elements.
   *
   * @throws TinkerError `invalid_argument` when more are unknown or the elements don't fit.
   */
  resolve(shape: Shape, length: number): number[] {
    const known = shape.map((size) => (typeof size === 'number' ? size : this.#numbers.get(size)));
    const product = known.reduce<number>((total, size) => total * (size ?? 1), 1);
    const missing = known.filter((size) => size === undefined).length;
    const rest = missing === 1 ? length / product : 1;
    if (missing > 1 || !Number.isInteger(rest) || (missing === 0 && product !== length))
      throw invalidArgument(`${String(length)} elements to fit the shape`, this.#describe(shape));
    return known.map((size) => size ?? rest);
  }

  #describe(shape: Shape): string {
    const known = shape.flatMap((size) => {
      const number = typeof size === 'string' ? this.#numbers.get(size) : undefined;
      return number === undefined ? [] : [`${String(size)} = ${String(number)}`];
    });
    return describeShape(shape) + (known.length === 0 ? '' : ` (${[...new Set(known)].join(', ')})`);
  }
}
