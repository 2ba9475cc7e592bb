import type { Observable } from 'rxjs';
import { pollUntilReady } from '../../operators/pollUntilReady.js';
import { TinkerError } from '../errors.js';
import { type TraceExport, traceExportSchema } from '../wire/index.js';
import type { Connection } from './connection.js';
import { sessionPath } from './restPaths.js';
import type { OperationSpan } from './tracing.js';

const TRACE_POLL_INTERVAL = 5_000;

/** Asks for the trace of a session until the server has built it; gives the URL of the file. */
export function traceUrl(
  { api, scheduler }: Connection,
  sessionId: string,
  span: OperationSpan | undefined,
): Observable<string> {
  const path = `${sessionPath(sessionId)}/trace_export`;
  return pollUntilReady<TraceExport, string>({
    ask: () => api.call({ method: 'GET', path, headers: span?.headers, schema: traceExportSchema, retry: 'standard' }),
    read: ({ status, url, error }) => {
      if (status === 'failed') {
        throw new TinkerError(
          'request_failed',
          `The trace of session ${sessionId} could not be exported: ${api.redact(error ?? 'the server gives no reason')}`,
        );
      }
      if (status !== 'ready') return { waitMs: TRACE_POLL_INTERVAL };
      if (url !== undefined) return { ready: url };
      throw new TinkerError('invalid_response', `Expected the URL of the trace of session ${sessionId}, got none.`);
    },
    scheduler,
  });
}
