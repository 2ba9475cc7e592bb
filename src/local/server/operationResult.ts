import type { ForwardBackwardResult } from '../engine/engine.js';
import type { SampleOutput } from './codec/sampleResult.js';

/** What a promise came to, before it is encoded for whoever asks. */
export type OperationResult =
  | { readonly kind: 'json'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'forward_backward'; readonly output: ForwardBackwardResult }
  | { readonly kind: 'sample'; readonly output: SampleOutput };

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
      return overhead + arrayBytes(result.output.result);
  }
}

/** Bytes of the typed arrays in plain data. */
function arrayBytes(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + arrayBytes(part), 128);
}
