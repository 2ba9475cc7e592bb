import type { Expression } from '../../graph/index.js';

/** What every regularizer can be told. */
export interface RegularizerOptions {
  /** A factor for each position, 1 if missing: 0 leaves a position out. Broadcasts to the logprobs. */
  readonly mask?: Expression;
}

/** The masked sum of a value at each position, a scalar. */
export function sumOverPositions(values: Expression, { mask }: RegularizerOptions): Expression {
  return (mask === undefined ? values : values.mul(mask)).sum();
}
