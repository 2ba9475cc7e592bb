import { invalidArgument } from '../errors.js';
import { checkNumber } from './checkNumber.js';

/** Whose sessions to search: the caller's own, all that the caller may see, or those of 1 to 10 users by their URNs. */
export type SessionOwner = 'own' | 'accessible' | { readonly ownerUrns: readonly string[] };

/** A status to search for; `client_finished` with the reasons that count, default all. */
export type SessionStatusQuery =
  | 'active'
  | 'cancelled'
  | 'failed'
  | 'client_finished'
  | { readonly type: 'client_finished'; readonly reasons: readonly ('success' | 'errored' | 'interrupted')[] };

/** Which sessions to find; all that is given must hold, but `sessionId` or `displayName` is enough. */
export interface SessionSearch {
  /** The exact id. */
  readonly sessionId?: string;
  /** Default: every project that the caller may list. */
  readonly projectIds?: readonly string[];
  /** Exact pairs. */
  readonly userMetadata?: Readonly<Record<string, string>>;
  /** Words of the display name, upper or lower case. */
  readonly displayName?: string;
  /** Default `own`. */
  readonly owner?: SessionOwner;
  /** Any of these; default: every status. */
  readonly statuses?: readonly SessionStatusQuery[];
  /** Sessions in a request, 1 to 200; default 50. */
  readonly pageSize?: number;
}

/** {@link SessionSearch} as on the wire, without a cursor. @throws TinkerError `invalid_argument` */
export function toWireSessionSearch(search: SessionSearch): object {
  const { sessionId, projectIds, userMetadata = {}, displayName, owner = 'own', statuses, pageSize = 50 } = search;
  if (displayName === '') throw invalidArgument('displayName of at least one letter', displayName);
  if (statuses?.length === 0) throw invalidArgument('at least one status, or no statuses at all', statuses);
  return {
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...(projectIds !== undefined && { project_ids: projectIds }),
    user_metadata: userMetadata,
    ...(displayName !== undefined && { display_name: displayName }),
    owner: toWireOwner(owner),
    ...(statuses !== undefined && { statuses: statuses.map((status) => toWireStatus(status)) }),
    limit: checkNumber('pageSize', pageSize, { integer: true, min: 1, max: 200 }),
  };
}

function toWireOwner(owner: SessionOwner): object {
  if (typeof owner === 'string') return { type: owner };
  const { ownerUrns } = owner;
  if (ownerUrns.length < 1 || ownerUrns.length > 10) throw invalidArgument('1 to 10 ownerUrns', ownerUrns);
  return { type: 'user', owner_urns: ownerUrns };
}

function toWireStatus(status: SessionStatusQuery): object {
  return typeof status === 'string' ? { type: status } : status;
}
