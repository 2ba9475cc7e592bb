import * as z from 'zod';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

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
export const weightsInfoSchema = z
  .object({
    base_model: z.string(),
    is_lora: z.boolean(),
    lora_rank: optional(z.int()),
    train_unembed: optional(z.boolean()),
    train_mlp: optional(z.boolean()),
    train_attn: optional(z.boolean()),
  })
  .transform((info): WeightsInfo => camelKeys(info));
