import * as z from 'zod';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** What a sampling session draws from. */
export interface SamplerInfo {
  readonly samplerId: string;
  readonly baseModel: string;
  readonly modelPath?: string;
}

/** Answer of samplers/{id}. */
export const samplerInfoSchema = z
  .object({ sampler_id: z.string(), base_model: z.string(), model_path: optional(z.string()) })
  .transform((info): SamplerInfo => camelKeys(info));
