import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { openEnum, optional } from './optional.js';
import { transform } from './transform.js';

/** Where a session stands; `type` is `unknown` for what later servers may add. */
export type SessionStatus =
  | { readonly type: 'active' | 'unknown' }
  | { readonly type: 'cancelled'; readonly detail?: string }
  | {
      readonly type: 'failed';
      readonly category: 'user' | 'internal' | 'unknown';
      readonly message: string;
      readonly reason: SessionFailureReason;
    }
  | {
      readonly type: 'client_finished';
      readonly reason: 'success' | 'errored' | 'interrupted' | 'unknown';
      readonly detail?: string;
    };

/** What failed a session: the ids that the server named, by `type`. */
export interface SessionFailureReason {
  readonly type: 'request' | 'training_run' | 'sampling_session' | 'unknown';
  readonly requestId?: string;
  readonly requestType?: string;
  readonly trainingRunId?: string;
  readonly samplingSessionId?: string;
}

/** A session as the search finds it. */
export interface SessionSummary {
  readonly sessionId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly owner: string;
  readonly projectId: string;
  /** Missing where the session neither finished nor is known to be running. */
  readonly status?: SessionStatus;
  readonly checkpointsCount: number;
  readonly displayName?: string;
  readonly userMetadata?: Readonly<Record<string, unknown>>;
  readonly checkpointStorageBytes?: number;
}

/** A page of found sessions, and where the next one begins. */
export interface SessionSearchPage {
  readonly sessions: readonly SessionSummary[];
  readonly nextCursor?: SessionSearchCursor;
}

/** A place in the result of a search, to be sent back as it is. */
export type SessionSearchCursor = Readonly<z.output<typeof cursorSchema>>;

const cursorSchema = z.object({ last_created_at: z.string(), last_session_id: z.string() });

const failureReasonSchema = transform(
  z.object({
    type: openEnum('request', 'training_run', 'sampling_session'),
    request_id: optional(z.string()),
    request_type: optional(z.string()),
    training_run_id: optional(z.string()),
    sampling_session_id: optional(z.string()),
  }),
  (reason): SessionFailureReason => camelKeys(reason),
);

const detail = optional(z.string());
const finishReason = z.object({ type: openEnum('success', 'errored', 'interrupted') });

const statusSchema = z.union([
  z.object({ type: z.literal('active') }),
  transform(z.object({ type: z.literal('cancelled'), detail }), (status) => camelKeys(status)),
  transform(
    z.object({
      type: z.literal('failed'),
      category: openEnum('user', 'internal'),
      message: z.string(),
      reason: failureReasonSchema,
    }),
    (status) => camelKeys(status),
  ),
  transform(
    z.object({ type: z.literal('client_finished'), reason: transform(finishReason, ({ type }) => type), detail }),
    (status) => camelKeys(status),
  ),
  z.object({ type: transform(z.string(), () => 'unknown' as const) }),
]);

const sessionSummarySchema = transform(
  z.object({
    session_id: z.string(),
    created_at: z.string(),
    owner: z.string(),
    project_id: z.string(),
    status: optional(statusSchema),
    checkpoints_count: z.int(),
    display_name: optional(z.string()),
    user_metadata: optional(z.record(z.string(), z.unknown())),
    checkpoint_storage_bytes: optional(z.number()),
  }),
  (summary): SessionSummary => camelKeys(summary),
);

/** Answer of sessions/search. */
export const sessionSearchPageSchema = transform(
  z.object({ sessions: z.array(sessionSummarySchema), next_cursor: optional(cursorSchema) }),
  (page): SessionSearchPage => camelKeys(page),
);
