import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { withDefault } from './optional.js';
import { transform } from './transform.js';

/** Answer of client/dynamic_config; a refresh interval below 10 s reads as 10 s. */
export const dynamicConfigSchema = transform(
  z.object({
    refresh_interval_sec: withDefault(
      transform(z.number(), (seconds) => Math.max(10, seconds)),
      300,
    ),
    sample_cancel_enabled: withDefault(z.boolean(), false),
    sample_cancel_max_batch_size: withDefault(z.int().check(z.positive()), 64),
  }),
  (flags) => camelKeys(flags),
);

/** The server's flags that may change while a client runs. */
export type DynamicConfig = z.output<typeof dynamicConfigSchema>;

/** The flags of a server that has no client/dynamic_config. */
export const defaultDynamicConfig: DynamicConfig = dynamicConfigSchema.parse({});
