import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** Weights exported for use elsewhere. */
export interface ExternalWeights {
  /** `tinker://<run>/external_weights/<name>`. */
  readonly path: string;
  readonly sizeBytes?: number;
}

/** Result of save_weights_external. */
export const externalWeightsSchema = s.transform(
  s.object({ path: s.string(), size_bytes: optional(s.number()) }),
  (saved): ExternalWeights => camelKeys(saved),
);
