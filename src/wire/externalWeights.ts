import * as z from 'zod';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** Weights exported for use elsewhere. */
export interface ExternalWeights {
  /** `tinker://<run>/external_weights/<name>`. */
  readonly path: string;
  readonly sizeBytes?: number;
}

/** Result of save_weights_external. */
export const externalWeightsSchema = z
  .object({ path: z.string(), size_bytes: optional(z.number()) })
  .transform((saved): ExternalWeights => camelKeys(saved));
