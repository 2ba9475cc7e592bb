import * as s from './schema.js';
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
export const serverCapabilitiesSchema = s.transform(
  s.object({
    supported_models: s.array(
      s.transform(
        s.object({
          model_name: optional(s.string()),
          max_context_length: optional(s.int()),
          trainable: optional(s.boolean()),
          sampleable: optional(s.boolean()),
        }),
        (model): SupportedModel => camelKeys(model),
      ),
    ),
  }),
  (capabilities): ServerCapabilities => camelKeys(capabilities),
);
