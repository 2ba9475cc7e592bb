import * as z from 'zod/mini';
import { openEnum, optional } from './optional.js';
import { transform } from './transform.js';

/** Where the export of a session's trace stands. */
export interface TraceExport {
  readonly status: 'pending' | 'ready' | 'failed' | 'unknown';
  readonly url?: string | undefined;
  readonly error?: string | undefined;
}

/** Answer of sessions/{id}/trace_export. */
export const traceExportSchema = transform(
  z.object({
    status: openEnum('pending', 'ready', 'failed'),
    url: optional(z.string()),
    error: optional(z.string()),
  }),
  (answer): TraceExport => answer,
);
