import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** Weights exported for use elsewhere. */
export interface ExternalWeights {
  /** `tinker://<run>/external_weights/<name>`. */
  readonly path: string;
  readonly sizeBytes?: number;
}

/** Result of save_weights_external. */
export const externalWeightsSchema = transform(
  z.object({ path: z.string(), size_bytes: optional(z.number()) }),
  (saved): ExternalWeights => camelKeys(saved),
);
