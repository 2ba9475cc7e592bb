/** One node of a loss's graph, as torch.fx records it. */
export interface CustomLossNode {
  /** `placeholder`, `call_function`, `call_method` or `output`. */
  readonly op: string;
  readonly name: string;
  /** A function by its qualified name (`torch.exp`, `operator.mul`), or a method of tensors. */
  readonly target: string;
  /** JSON, with objects for what JSON lacks: `{ref}`, `{tuple}`, `{dict}`, `{slice}`, `{ellipsis}`, `{float}`, `{dtype}`, …. */
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** A tensor that a loss reads: `logprobs`, or a loss input of the datum; of 0, 1 or 2 axes. */
export interface CustomLossInput {
  readonly name: string;
  readonly rank: number;
}

/** A loss of one datum given by data: plain values that cross threads. */
export interface CustomLoss {
  /** `logprobs` first. */
  readonly inputs: readonly CustomLossInput[];
  readonly nodes: readonly CustomLossNode[];
}
