import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** What a server keeps of a session. */
export interface SessionInfo {
  readonly trainingRunIds: readonly string[];
  readonly samplerIds: readonly string[];
  readonly userMetadata?: Readonly<Record<string, unknown>>;
  readonly displayName?: string;
}

/** Answer of sessions/{id}. */
export const sessionInfoSchema = s.transform(
  s.object({
    training_run_ids: s.array(s.string()),
    sampler_ids: s.array(s.string()),
    user_metadata: optional(s.record(s.unknown())),
    display_name: optional(s.string()),
  }),
  (info): SessionInfo => camelKeys(info),
);

/** Answer of sessions: ids. */
export const sessionListSchema = s.object({ sessions: s.array(s.string()) });
