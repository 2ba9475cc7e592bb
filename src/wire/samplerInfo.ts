import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** What a sampling session draws from. */
export interface SamplerInfo {
  readonly samplerId: string;
  readonly baseModel: string;
  readonly modelPath?: string;
}

/** Answer of samplers/{id}. */
export const samplerInfoSchema = transform(
  z.object({ sampler_id: z.string(), base_model: z.string(), model_path: optional(z.string()) }),
  (info): SamplerInfo => camelKeys(info),
);
