import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** What a server keeps of a session. */
export interface SessionInfo {
  readonly trainingRunIds: readonly string[];
  readonly samplerIds: readonly string[];
  readonly userMetadata?: Readonly<Record<string, unknown>>;
  readonly displayName?: string;
}

/** Answer of sessions/{id}. */
export const sessionInfoSchema = transform(
  z.object({
    training_run_ids: z.array(z.string()),
    sampler_ids: z.array(z.string()),
    user_metadata: optional(z.record(z.string(), z.unknown())),
    display_name: optional(z.string()),
  }),
  (info): SessionInfo => camelKeys(info),
);

/** Answer of sessions: ids. */
export const sessionListSchema = z.object({ sessions: z.array(z.string()) });
