import * as s from './schema.js';
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
export const weightsInfoSchema = s.transform(
  s.object({
    base_model: s.string(),
    is_lora: s.boolean(),
    lora_rank: optional(s.int()),
    train_unembed: optional(s.boolean()),
    train_mlp: optional(s.boolean()),
    train_attn: optional(s.boolean()),
  }),
  (info): WeightsInfo => camelKeys(info),
);
