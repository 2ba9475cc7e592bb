import * as s from './schema.js';
import { openEnum, optional } from './optional.js';

/** Where the export of a session's trace stands. */
export interface TraceExport {
  readonly status: 'pending' | 'ready' | 'failed' | 'unknown';
  readonly url?: string | undefined;
  readonly error?: string | undefined;
}

/** Answer of sessions/{id}/trace_export. */
export const traceExportSchema = s.transform(
  s.object({
    status: openEnum('pending', 'ready', 'failed'),
    url: optional(s.string()),
    error: optional(s.string()),
  }),
  (answer): TraceExport => answer,
);
