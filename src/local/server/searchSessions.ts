import type { CheckpointManifest } from './checkpointManifest.js';
import type { SearchSessionsRequest } from './requests/searchSessionsRequest.js';
import type { ServerState } from './serverState.js';
import type { SessionRecord } from './sessionRecord.js';

/** The one who owns everything on this server, and the project that all is in unless a client names another. */
export const localOwner = 'local';

/** One page of the sessions of this server's life that match, newest first. */
export function searchSessions(state: ServerState, request: SearchSessionsRequest): unknown {
  const { cursor, limit, owner } = request;
  const isOwned = owner.type !== 'user' || owner.owner_urns.includes(localOwner);
  const found = isOwned
    ? [...state.history.values()]
        .filter((record) => matches(record, request))
        .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    : [];
  const after = cursor ?? undefined;
  const rest =
    after === undefined
      ? found
      : found.filter(({ createdAt, id }) => {
          const last = Date.parse(after.last_created_at);
          return createdAt < last || (createdAt === last && id < after.last_session_id);
        });
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  const checkpoints = state.checkpoints.list();
  return {
    sessions: shown.map((record) => summaryOf(record, checkpoints)),
    ...(last !== undefined && rest.length > shown.length
      ? { next_cursor: { last_created_at: timeOf(last), last_session_id: last.id } }
      : {}),
  };
}

function matches(record: SessionRecord, request: SearchSessionsRequest): boolean {
  const { session_id, display_name, project_ids, user_metadata, statuses } = request;
  const projects = project_ids ?? undefined;
  if (projects !== undefined && !projects.includes(record.projectId ?? localOwner)) return false;
  if (Object.entries(user_metadata).some(([key, value]) => record.userMetadata[key] !== value)) return false;
  if (!(statuses ?? [undefined]).some((status) => hasStatus(record, status))) return false;
  const asked = [...(typeof session_id === 'string' ? [record.id === session_id] : [])];
  if (typeof display_name === 'string') {
    const name = record.displayName?.toLowerCase() ?? '';
    asked.push(
      display_name
        .toLowerCase()
        .split(/\s+/)
        .every((word) => name.includes(word)),
    );
  }
  return asked.length === 0 || asked.includes(true);
}

function hasStatus(
  { status }: SessionRecord,
  asked: NonNullable<SearchSessionsRequest['statuses']>[number] | undefined,
): boolean {
  if (asked === undefined) return true;
  if (status?.type !== asked.type) return false;
  if (status.type !== 'client_finished' || asked.type !== 'client_finished') return true;
  const reasons: readonly string[] | undefined = asked.reasons ?? undefined;
  return reasons?.includes(status.reason.type) ?? true;
}

function summaryOf(record: SessionRecord, checkpoints: readonly CheckpointManifest[]): unknown {
  const own = checkpoints.filter(({ run_id }) => run_id.startsWith(`${record.id}:`));
  return {
    session_id: record.id,
    created_at: timeOf(record),
    owner: localOwner,
    project_id: record.projectId ?? localOwner,
    checkpoints_count: own.length,
    checkpoint_storage_bytes: own.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    user_metadata: record.userMetadata,
    ...(record.status !== undefined && { status: record.status }),
    ...(record.displayName !== undefined && { display_name: record.displayName }),
  };
}

function timeOf({ createdAt }: SessionRecord): string {
  return new Date(createdAt).toISOString();
}
