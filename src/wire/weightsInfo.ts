import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** What a saved checkpoint was trained on and how. */
export interface WeightsInfo {
  readonly baseModel: string;
  readonly isLora: boolean;
  readonly loraRank?: number;
  readonly trainUnembed?: boolean;
  readonly trainMlp?: boolean;
  readonly trainAttn?: boolean;
}

/** Answer of weights_info. */
export const weightsInfoSchema = transform(
  z.object({
    base_model: z.string(),
    is_lora: z.boolean(),
    lora_rank: optional(z.int()),
    train_unembed: optional(z.boolean()),
    train_mlp: optional(z.boolean()),
    train_attn: optional(z.boolean()),
  }),
  (info): WeightsInfo => camelKeys(info),
);
