import type { ForwardBackwardResult, SampleResult } from '../engine/engine.js';

/** What a promise came to, before it is encoded for whoever asks. */
export type OperationResult =
  | { readonly kind: 'json'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'forward_backward'; readonly output: ForwardBackwardResult }
  | {
      readonly kind: 'sample';
      readonly output: SampleResult;
      /** Prompt logprobs before this position are left out. */
      readonly firstPromptLogprob: number;
    };

/** What the objects around a result take, promise and all. */
const overhead = 2048;

/** About how many bytes a result takes in memory. */
export function resultBytes(result: OperationResult): number {
  switch (result.kind) {
    case 'json':
      return overhead;
    case 'forward_backward':
      return result.output.outputs.reduce(
        (sum, record) => sum + Object.values(record).reduce((bytes, tensor) => bytes + tensor.data.byteLength + 128, 0),
        overhead,
      );
    case 'sample':
      return result.output.sequences.reduce(
        (sum, sequence) => sum + sequence.tokens.byteLength + sequence.logprobs.byteLength + 128,
        overhead + (result.output.promptLogprobs?.byteLength ?? 0),
      );
  }
}
