import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** What a server says about a model. */
export interface ModelInfo {
  readonly modelId: string;
  readonly modelData: ModelData;
  readonly isLora?: boolean;
  readonly loraRank?: number;
  readonly modelName?: string;
}

/** The base model behind a model. */
export interface ModelData {
  readonly arch?: string;
  readonly modelName?: string;
  /** Id of its tokenizer on the Hugging Face hub. */
  readonly tokenizerId?: string;
  /** Where the server ships the tokenizer itself; a path from its root. */
  readonly tokenizerUrl?: string;
}

/** Answer of get_info; a tokenizer id is cut at its `:`. */
export const modelInfoSchema = s.transform(
  s.object({
    model_id: s.string(),
    model_data: s.transform(
      s.object({
        arch: optional(s.string()),
        model_name: optional(s.string()),
        tokenizer_id: optional(s.transform(s.string(), (id) => id.replace(/:.*/s, ''))),
        tokenizer_url: optional(s.string()),
      }),
      (data): ModelData => camelKeys(data),
    ),
    is_lora: optional(s.boolean()),
    lora_rank: optional(s.int()),
    model_name: optional(s.string()),
  }),
  (info): ModelInfo => camelKeys(info),
);

/** Final answer of create_model. */
export const createdModelSchema = s.transform(
  s.object({ model_id: s.string() }),
  (model): { readonly modelId: string } => ({ modelId: model.model_id }),
);
