import { invalidArgument } from '../../errors.js';
import { multiplyMatrices } from '../multiplyMatrices.js';
import { Node, type Shape } from '../node.js';
import type { Rule } from '../rule.js';
import { broadcastShapes, describeShape, multiplySizes, sizeAt } from '../sizes.js';
import { sumToShape } from '../sumToShape.js';
import { reshape } from './reshape.js';

/** Options of {@link matmul}. */
export interface MatmulOptions {
  /** Swap the last two axes of a. */
  readonly transA?: boolean;
  /** Swap the last two axes of b. */
  readonly transB?: boolean;
  /** A factor; 1 if missing. */
  readonly alpha?: number;
}

/**
 * alpha · a · b: the matrix product over the last two axes; leading axes broadcast.
 *
 * @throws TinkerError `invalid_argument` on vectors and on sizes that don't fit.
 * @example
 * ```ts
 * matmul(input('x', ['batch', 'sequence', 64]), input('w', [64, 32])); // [batch, sequence, 32]
 * ```
 */
export function matmul(a: Node, b: Node, options: MatmulOptions = {}): Node<'matmul'> {
  const { transA = false, transB = false, alpha = 1 } = options;
  if (a.shape.length < 2 || b.shape.length < 2)
    throw invalidArgument('two or more axes for matmul', `${describeShape(a.shape)} and ${describeShape(b.shape)}`);
  const [rows, inner] = matrixSizes(a.shape, transA);
  const [innerB, columns] = matrixSizes(b.shape, transB);
  if (inner !== innerB)
    throw invalidArgument(
      'equal inner sizes for matmul',
      `${describeShape(a.shape)}${transA ? ' transposed' : ''} and ${describeShape(b.shape)}${transB ? ' transposed' : ''}`,
    );
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  return new Node('matmul', [a, b], { transA, transB, alpha }, [...batch, rows, columns]);
}

function matrixSizes(shape: Shape, transposed: boolean) {
  const [rows, columns] = [sizeAt(shape, -2), sizeAt(shape, -1)] as const;
  return transposed ? ([columns, rows] as const) : ([rows, columns] as const);
}

/** A batch of matrices as one, its rows one after another. */
function flat(x: Node): Node {
  return x.shape.length === 2 ? x : reshape(x, [multiplySizes(...x.shape.slice(0, -1)), sizeAt(x.shape, -1)]);
}

/** Evaluation and derivative of {@link matmul}. No transpose is made: the flags of the products say it. */
export const matmulRule: Rule<'matmul'> = {
  value: ([a, b], { attributes }, evaluation) => multiplyMatrices(a, b, attributes, evaluation),
  derivative: ({ inputs: [a, b], attributes: { transA, transB, alpha } }, gradient) => {
    const byA = transA
      ? matmul(b, gradient, { transA: transB, transB: true, alpha })
      : matmul(gradient, b, { transB: !transB, alpha });
    // A matrix shared by a batch gets its whole gradient from one product of the flattened batch.
    const shared = b.shape.length === 2 && !transA;
    const [x, g] = shared ? [flat(a), flat(gradient)] : [a, gradient];
    const byB = transB
      ? matmul(g, x, { transA: true, transB: transA, alpha })
      : matmul(x, g, { transA: !transA, alpha });
    return [sumToShape(byA, a.shape), sumToShape(byB, b.shape)];
  },
};
