import * as z from 'zod';
import { openEnum, optional } from './optional.js';

/** Where the export of a session's trace stands. */
export interface TraceExport {
  readonly status: 'pending' | 'ready' | 'failed' | 'unknown';
  readonly url?: string | undefined;
  readonly error?: string | undefined;
}

/** Answer of sessions/{id}/trace_export. */
export const traceExportSchema = z
  .object({
    status: openEnum('pending', 'ready', 'failed'),
    url: optional(z.string()),
    error: optional(z.string()),
  })
  .transform((answer): TraceExport => answer);
