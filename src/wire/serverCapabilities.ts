import * as z from 'zod';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** A base model that a server offers. */
export interface SupportedModel {
  readonly modelName?: string;
  /** In tokens. */
  readonly maxContextLength?: number;
  readonly trainable?: boolean;
  readonly sampleable?: boolean;
}

/** What a server offers. */
export interface ServerCapabilities {
  readonly supportedModels: readonly SupportedModel[];
}

/** Answer of get_server_capabilities. */
export const serverCapabilitiesSchema = z
  .object({
    supported_models: z.array(
      z
        .object({
          model_name: optional(z.string()),
          max_context_length: optional(z.int()),
          trainable: optional(z.boolean()),
          sampleable: optional(z.boolean()),
        })
        .transform((model): SupportedModel => camelKeys(model)),
    ),
  })
  .transform((capabilities): ServerCapabilities => camelKeys(capabilities));
