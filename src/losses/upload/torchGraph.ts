/** A value in a node's arguments: JSON, with objects of one key for what JSON lacks. */
export type TorchValue =
  | number
  | string
  | boolean
  | null
  | readonly TorchValue[]
  | { readonly ref: string }
  | { readonly tuple: readonly TorchValue[] }
  | { readonly dict: Readonly<Record<string, TorchValue>> }
  | { readonly slice: readonly [TorchValue, TorchValue, TorchValue] };

/** One node of a loss, as torch.fx records it. */
export interface TorchNode {
  readonly op: 'placeholder' | 'call_function' | 'call_method' | 'output';
  readonly name: string;
  readonly target: string;
  readonly args: readonly TorchValue[];
  readonly kwargs: Readonly<Record<string, TorchValue>>;
}

/** A loss of one datum, as create_custom_loss takes it. */
export interface TorchGraph {
  /** `logprobs` first; each has 0, 1 or 2 axes. */
  readonly inputs: readonly { readonly name: string; readonly rank: number }[];
  readonly nodes: readonly TorchNode[];
}
