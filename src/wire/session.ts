import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** A session as the server made it; its messages are meant for the log. */
export interface Session {
  readonly sessionId: string;
  readonly infoMessage?: string;
  readonly warningMessage?: string;
  readonly errorMessage?: string;
}

/** Answer of create_session. */
export const sessionSchema = transform(
  z.object({
    session_id: z.string().check(z.minLength(1)),
    info_message: optional(z.string()),
    warning_message: optional(z.string()),
    error_message: optional(z.string()),
  }),
  (session): Session => camelKeys(session),
);

/** Answer of join_sampling_session: which client of the sampler this one is; the first has 0. */
export const joinedSamplerSchema = transform(
  z.object({ client_counter: z.int().check(z.positive()) }),
  (joined): { readonly clientCounter: number } => ({ clientCounter: joined.client_counter }),
);

/** Answer of create_sampling_session. */
export const samplingSessionSchema = transform(
  z.object({ sampling_session_id: z.string().check(z.minLength(1)) }),
  (session): { readonly samplingSessionId: string } => ({ samplingSessionId: session.sampling_session_id }),
);
