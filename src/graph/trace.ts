import { describe, TinkerError } from '../errors.js';
import { Expression } from './expression.js';
import type { Node } from './node.js';
import { describeShape } from './sizes.js';

/** A loss over named inputs: a scalar, alone or with scalar metrics. */
export type ExpressionLoss<Name extends string = string> = (
  inputs: Readonly<Record<Name, Expression>>,
) => Expression | { readonly loss: Expression; readonly metrics?: Readonly<Record<string, Expression>> };

/** The graph of a loss. */
export interface TracedLoss {
  /** A scalar. */
  readonly loss: Node;
  /** Scalars by name. */
  readonly metrics: Readonly<Record<string, Node>>;
}

/**
 * Calls a loss once with expressions for its inputs, and gives the graph of what it returns.
 *
 * @param inputs - From `inputsOfRank`, where lengths are open, or `inputsLike`, where the tensors are at hand.
 * @throws TinkerError `invalid_argument` where an operation's operands don't fit; `invalid_loss` when the loss throws
 *   anything else or returns no scalar.
 * @example
 * ```ts
 * const inputs = inputsOfRank({ logprobs: 1, advantages: 1 });
 * const { loss } = trace(({ logprobs, advantages }) => logprobs.mul(advantages).neg().sum(), inputs);
 * ```
 */
export function trace<Name extends string>(
  loss: ExpressionLoss<Name>,
  inputs: Readonly<Record<Name, Node>>,
): TracedLoss {
  const entries = Object.entries<Node>(inputs).map(([name, node]) => [name, new Expression(node)] as const);
  // The entries are those of inputs, whose names fromEntries forgets.
  const expressions = Object.fromEntries(entries) as Record<Name, Expression>;
  const result = call(loss, expressions);
  if (result instanceof Expression) return { loss: scalar('a loss', result), metrics: {} };
  const metrics = Object.entries(result?.metrics ?? {}).map(
    ([name, metric]) => [name, scalar(`metric ${name}`, metric)] as const,
  );
  return { loss: scalar('a loss', result?.loss), metrics: Object.fromEntries(metrics) };
}

/** What the loss returns; undefined from JavaScript that forgot to. */
function call<Name extends string>(
  loss: ExpressionLoss<Name>,
  inputs: Readonly<Record<Name, Expression>>,
): ReturnType<ExpressionLoss<Name>> | undefined {
  try {
    return loss(inputs);
  } catch (cause) {
    if (cause instanceof TinkerError) throw cause;
    throw new TinkerError(
      'invalid_loss',
      `The loss threw: ${cause instanceof Error ? cause.message : String(cause)}. Its inputs are ${Object.keys(inputs).join(', ')}.`,
      { cause },
    );
  }
}

function scalar(what: string, value: unknown): Node {
  if (value instanceof Expression && value.shape.length === 0) return value.node;
  const got = value instanceof Expression ? `one of shape ${describeShape(value.shape)}` : describe(value);
  throw new TinkerError(
    'invalid_loss',
    `Expected ${what} as a scalar expression, got ${got}. Reduce it with sum() or mean().`,
  );
}
