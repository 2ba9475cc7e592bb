/// <reference lib="esnext.disposable" preserve="true" />
import { invalidArgument } from '../errors.js';
import {
  type AuditLogEntry,
  type BillingUsage,
  type CheckpointStorage,
  auditLogSchema,
  billingUsageSchema,
  checkpointStorageSchema,
} from '../wire/index.js';
import type { Operation } from './operation.js';
import { ask, withQuery } from './restCall.js';
import { type RestConnection, openRestConnection } from './restConnection.js';
import type { ServiceOptions } from './serviceOptions.js';
import type { CallOptions } from './trainingOptions.js';

/** Which events of an organization to read. */
export interface AuditLogOptions extends CallOptions {
  /** Default `all`. */
  readonly eventType?: 'all' | 'checkpoints' | 'projects' | 'teams' | 'organizations';
  /** From midnight to midnight UTC, as `YYYY-MM-DD`; default: today. */
  readonly day?: string;
}

/**
 * What administrators of an organization read: audit log and usage. It never makes a session.
 *
 * @example
 * ```ts no-run
 * await using admin = new AdminClient({ apiKey });
 * const { data } = await admin.getBillingUsage('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z').result();
 * ```
 */
export class AdminClient implements AsyncDisposable {
  private readonly rest: RestConnection;

  /** @param options those of a ServiceClient. Errors: `invalid_config`. */
  constructor(options: ServiceOptions | RestConnection = {}) {
    this.rest = 'connection' in options ? options : openRestConnection(options);
  }

  /** The events of a day. */
  getAuditLog(options: AuditLogOptions = {}): Operation<readonly AuditLogEntry[]> {
    const { eventType = 'all', day } = options;
    if (day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(day)) throw invalidArgument('day as YYYY-MM-DD', day);
    return ask(
      this.rest.connection,
      {
        type: 'audit',
        method: 'GET',
        path: withQuery('/api/v1/audit', { event_type: eventType, day }),
        schema: auditLogSchema,
        retry: 'standard',
      },
      options,
    );
  }

  /** Usage from one full UTC hour to another, at most 14 days later; times as ISO 8601 or Date. */
  getBillingUsage(
    startingOn: string | Date,
    endingBefore: string | Date,
    options: CallOptions = {},
  ): Operation<BillingUsage> {
    const query = { starting_on: isoTime(startingOn), ending_before: isoTime(endingBefore) };
    return ask(
      this.rest.connection,
      {
        type: 'billing_usage',
        method: 'GET',
        path: withQuery('/api/v1/billing/usage/events', query),
        schema: billingUsageSchema,
        retry: 'standard',
      },
      options,
    );
  }

  /** What checkpoints take now, of one project or of the whole organization. */
  getCurrentCheckpointStorageUsage(
    options: CallOptions & { readonly projectId?: string } = {},
  ): Operation<CheckpointStorage> {
    const path = withQuery('/api/v1/billing/usage/checkpoints/current', { project_id: options.projectId });
    return ask(
      this.rest.connection,
      { type: 'checkpoint_storage', method: 'GET', path, schema: checkpointStorageSchema, retry: 'standard' },
      options,
    );
  }

  /** Fails what waits and ends the connections, unless they are those of a ServiceClient. */
  close(): Promise<void> {
    return this.rest.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isoTime(time: string | Date): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw invalidArgument('a time as ISO 8601 or Date', String(time));
  return date.toISOString();
}
