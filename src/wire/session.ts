import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** A session as the server made it; its messages are meant for the log. */
export interface Session {
  readonly sessionId: string;
  readonly infoMessage?: string;
  readonly warningMessage?: string;
  readonly errorMessage?: string;
}

/** Answer of create_session. */
export const sessionSchema = s.transform(
  s.object({
    session_id: s.string().check(s.minLength(1)),
    info_message: optional(s.string()),
    warning_message: optional(s.string()),
    error_message: optional(s.string()),
  }),
  (session): Session => camelKeys(session),
);

/** Answer of join_sampling_session: which client of the sampler this one is; the first has 0. */
export const joinedSamplerSchema = s.transform(
  s.object({ client_counter: s.int().check(s.positive()) }),
  (joined): { readonly clientCounter: number } => ({ clientCounter: joined.client_counter }),
);

/** Answer of create_sampling_session. */
export const samplingSessionSchema = s.transform(
  s.object({ sampling_session_id: s.string().check(s.minLength(1)) }),
  (session): { readonly samplingSessionId: string } => ({ samplingSessionId: session.sampling_session_id }),
);
