import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

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
export const serverCapabilitiesSchema = transform(
  z.object({
    supported_models: z.array(
      transform(
        z.object({
          model_name: optional(z.string()),
          max_context_length: optional(z.int()),
          trainable: optional(z.boolean()),
          sampleable: optional(z.boolean()),
        }),
        (model): SupportedModel => camelKeys(model),
      ),
    ),
  }),
  (capabilities): ServerCapabilities => camelKeys(capabilities),
);
