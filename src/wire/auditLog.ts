import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional, withDefault } from './optional.js';
import { transform } from './transform.js';

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
export const auditLogSchema = transform(
  z.object({
    entries: z.array(
      transform(
        z.object({
          timestamp: z.string(),
          event: z.string(),
          event_details: withDefault(z.record(z.string(), z.unknown()), {}),
          model_id: optional(z.string()),
          tinker_path: optional(z.string()),
          purpose: optional(z.string()),
        }),
        (entry): AuditLogEntry => camelKeys(entry),
      ),
    ),
  }),
  ({ entries }): readonly AuditLogEntry[] => entries,
);
