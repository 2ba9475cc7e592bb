import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

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
export const modelInfoSchema = transform(
  z.object({
    model_id: z.string(),
    model_data: transform(
      z.object({
        arch: optional(z.string()),
        model_name: optional(z.string()),
        tokenizer_id: optional(transform(z.string(), (id) => id.replace(/:.*/s, ''))),
        tokenizer_url: optional(z.string()),
      }),
      (data): ModelData => camelKeys(data),
    ),
    is_lora: optional(z.boolean()),
    lora_rank: optional(z.int()),
    model_name: optional(z.string()),
  }),
  (info): ModelInfo => camelKeys(info),
);

/** Final answer of create_model. */
export const createdModelSchema = transform(
  z.object({ model_id: z.string() }),
  (model): { readonly modelId: string } => ({ modelId: model.model_id }),
);
