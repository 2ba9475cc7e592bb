import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { openEnum, optional } from './optional.js';

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
export type SessionSearchCursor = Readonly<s.Output<typeof cursorSchema>>;

const cursorSchema = s.object({ last_created_at: s.string(), last_session_id: s.string() });

const failureReasonSchema = s.transform(
  s.object({
    type: openEnum('request', 'training_run', 'sampling_session'),
    request_id: optional(s.string()),
    request_type: optional(s.string()),
    training_run_id: optional(s.string()),
    sampling_session_id: optional(s.string()),
  }),
  (reason): SessionFailureReason => camelKeys(reason),
);

const detail = optional(s.string());
const finishReason = s.object({ type: openEnum('success', 'errored', 'interrupted') });

const statusSchema = s.union([
  s.object({ type: s.oneOf('active') }),
  s.transform(s.object({ type: s.oneOf('cancelled'), detail }), (status) => camelKeys(status)),
  s.transform(
    s.object({
      type: s.oneOf('failed'),
      category: openEnum('user', 'internal'),
      message: s.string(),
      reason: failureReasonSchema,
    }),
    (status) => camelKeys(status),
  ),
  s.transform(
    s.object({ type: s.oneOf('client_finished'), reason: s.transform(finishReason, ({ type }) => type), detail }),
    (status) => camelKeys(status),
  ),
  s.object({ type: s.transform(s.string(), () => 'unknown' as const) }),
]);

const sessionSummarySchema = s.transform(
  s.object({
    session_id: s.string(),
    created_at: s.string(),
    owner: s.string(),
    project_id: s.string(),
    status: optional(statusSchema),
    checkpoints_count: s.int(),
    display_name: optional(s.string()),
    user_metadata: optional(s.record(s.unknown())),
    checkpoint_storage_bytes: optional(s.number()),
  }),
  (summary): SessionSummary => camelKeys(summary),
);

/** Answer of sessions/search. */
export const sessionSearchPageSchema = s.transform(
  s.object({ sessions: s.array(sessionSummarySchema), next_cursor: optional(cursorSchema) }),
  (page): SessionSearchPage => camelKeys(page),
);
