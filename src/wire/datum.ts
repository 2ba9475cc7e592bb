import type { ModelInput } from './modelInput.js';
import { chunkBytes } from './modelInputChunk.js';
import type { Provenance } from './provenance.js';
import type { PreparedTensor } from './preparedTensor.js';
import type { TensorInput } from './toTensorData.js';

/**
 * One training example. Its arrays are borrowed: they must not change until the operation was sent.
 *
 * Per-token inputs are as long as `modelInput`: position i of `targetTokens` is the token to predict after input token
 * i. Well-known names may be written in camelCase (`targetTokens`, `weights`, `logprobs`, `advantages`,
 * `clipLowThreshold`, `clipHighThreshold`, `sequenceRatioMask`); other names are sent as they are.
 *
 * @example
 * const datum: Datum = {
 *   modelInput: ModelInput.fromTokens([1, 2, 3]),
 *   lossFnInputs: { targetTokens: [2, 3, 4], weights: [0, 1, 1] },
 * };
 */
export interface Datum {
  readonly modelInput: ModelInput;
  readonly lossFnInputs?: Readonly<Record<string, TensorInput>>;
  /** Where its tokens come from; sent as protobuf only, as older servers know nothing of it. */
  readonly provenance?: Provenance;
}

/** A {@link Datum} that was checked: loss inputs by wire name, each of the dtype that the protocol wants. */
export interface PreparedDatum {
  readonly modelInput: ModelInput;
  readonly lossFnInputs: Readonly<Record<string, PreparedTensor>>;
  readonly provenance?: Provenance;
}

/** The protocol's estimate of a token's size on its way. */
const BYTES_PER_TOKEN = 4;

/** The protocol's estimate of a datum's size: 4 bytes a token, images as they are, and 8 for each integer of tensors. */
export function datumBytes({ modelInput, lossFnInputs }: PreparedDatum): number {
  let bytes = 0;
  for (const chunk of modelInput.chunks) bytes += chunkBytes(chunk, BYTES_PER_TOKEN);
  for (const name in lossFnInputs) {
    const tensor = lossFnInputs[name];
    if (tensor === undefined) continue;
    bytes += (tensor.dtype === 'int64' ? 8 : 4) * tensor.data.length;
    if (tensor.sparse !== undefined) bytes += 8 * (tensor.sparse.crowIndices.length + tensor.sparse.colIndices.length);
  }
  return bytes;
}
