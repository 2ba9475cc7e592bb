import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** What a sampling session draws from. */
export interface SamplerInfo {
  readonly samplerId: string;
  readonly baseModel: string;
  readonly modelPath?: string;
}

/** Answer of samplers/{id}. */
export const samplerInfoSchema = s.transform(
  s.object({ sampler_id: s.string(), base_model: s.string(), model_path: optional(s.string()) }),
  (info): SamplerInfo => camelKeys(info),
);
