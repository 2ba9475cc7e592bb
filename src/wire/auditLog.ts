import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional, withDefault } from './optional.js';

/** One event of an organization. */
export interface AuditLogEntry {
  /** ISO 8601. */
  readonly timestamp: string;
  /** `<resource>_<action>`, e.g. `checkpoint_read`. */
  readonly event: string;
  /** Who did it, what it was about, and whatever else the event records; keys as the server writes them. */
  readonly eventDetails: Readonly<Record<string, unknown>>;
  readonly modelId?: string;
  readonly tinkerPath?: string;
  readonly purpose?: string;
}

/** Answer of audit. */
export const auditLogSchema = s.transform(
  s.object({
    entries: s.array(
      s.transform(
        s.object({
          timestamp: s.string(),
          event: s.string(),
          event_details: withDefault(s.record(s.unknown()), {}),
          model_id: optional(s.string()),
          tinker_path: optional(s.string()),
          purpose: optional(s.string()),
        }),
        (entry): AuditLogEntry => camelKeys(entry),
      ),
    ),
  }),
  ({ entries }): readonly AuditLogEntry[] => entries,
);
