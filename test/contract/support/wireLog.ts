import { type Observable, defer, tap } from 'rxjs';
import type { Transport, TransportRequest, TransportResponse } from '../../../src/index.js';
import { passAsJson } from '../../../src/testing/passAsJson.js';

/** A request with a seq_id as it went over the wire; moments are counted over all requests of its client. */
export interface WireOperation {
  /** The last part of its path. */
  readonly operation: string;
  readonly seqId: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly sentAt: number;
  status?: number;
  answeredAt?: number;
  /** When a poll brought its result. */
  resultAt?: number;
}

/** Passes requests on and keeps a log of them. */
export class WireLog implements Transport {
  /** Paths of all requests, in order. */
  readonly paths: string[] = [];
  /** Requests with a seq_id, in order. */
  readonly operations: WireOperation[] = [];
  /** The status of each heartbeat that was answered. */
  readonly answeredHeartbeats: number[] = [];
  private readonly byRequestId = new Map<unknown, WireOperation>();
  private moments = 0;

  constructor(private readonly transport: Transport) {}

  /** What was sent under a seq_id, e.g. `optim_step 2`; once a request, refused ones too. */
  get sent(): string[] {
    return this.operations.map(({ operation, seqId }) => `${operation} ${seqId}`);
  }

  send(request: TransportRequest): Observable<TransportResponse> {
    return defer(() => {
      const body = bodyOf(request);
      const path = request.path.replace(/^\/api\/v1\//, '');
      this.paths.push(path);
      const sentAt = this.moments++;
      if (path === 'retrieve_future') return this.poll(request, body);
      if (path === 'session_heartbeat') {
        return this.transport.send(request).pipe(tap(({ status }) => this.answeredHeartbeats.push(status)));
      }
      if (typeof body.seq_id !== 'number') return this.transport.send(request);
      const sent: WireOperation = { operation: path, seqId: body.seq_id, body, sentAt };
      this.operations.push(sent);
      return this.transport.send(request).pipe(
        tap((response) => {
          sent.status = response.status;
          sent.answeredAt = this.moments++;
          if (response.status === 200) this.byRequestId.set(jsonOf(response).request_id, sent);
        }),
      );
    });
  }

  close(): Observable<never> {
    return this.transport.close();
  }

  private poll(request: TransportRequest, body: Readonly<Record<string, unknown>>): Observable<TransportResponse> {
    return this.transport.send(request).pipe(
      tap((response) => {
        const sent = this.byRequestId.get(body.request_id);
        if (sent !== undefined && isResult(response)) sent.resultAt = this.moments++;
      }),
    );
  }
}

function bodyOf({ body, headers }: TransportRequest): Record<string, unknown> {
  if (body === undefined) return {};
  if (typeof body === 'string') return JSON.parse(body) as Record<string, unknown>;
  return { ...(headers['content-type'] === 'application/x-protobuf' && passAsJson(body)) };
}

function isResult(response: TransportResponse): boolean {
  if (response.status !== 200) return false;
  const isJson = response.headers['content-type']?.includes('json') === true;
  if (!isJson) return true;
  const { type, status } = jsonOf(response);
  return type !== 'try_again' && status !== 'complete_metadata';
}

function jsonOf({ body }: TransportResponse): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
}
