import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { withDefault } from './optional.js';

/** Answer of client/dynamic_config; a refresh interval below 10 s reads as 10 s. */
export const dynamicConfigSchema = s.transform(
  s.object({
    refresh_interval_sec: withDefault(
      s.transform(s.number(), (seconds) => Math.max(10, seconds)),
      300,
    ),
    sample_cancel_enabled: withDefault(s.boolean(), false),
    sample_cancel_max_batch_size: withDefault(s.int().check(s.positive()), 64),
  }),
  (flags) => camelKeys(flags),
);

/** The server's flags that may change while a client runs. */
export type DynamicConfig = s.Output<typeof dynamicConfigSchema>;

/** The flags of a server that has no client/dynamic_config. */
export const defaultDynamicConfig: DynamicConfig = dynamicConfigSchema.parse({});
