import type { ModelInput } from './modelInput.js';
import type { Provenance } from './provenance.js';
import type { TensorData } from './tensorData.js';
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
  readonly lossFnInputs: Readonly<Record<string, TensorData>>;
  readonly provenance?: Provenance;
}
