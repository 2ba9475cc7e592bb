import { defaultIfEmpty, defer, map, Observable, of, type SchedulerLike, switchMap, take } from 'rxjs';
import type * as s from '../wire/schema.js';
import { Attempts, type RetryDecision, type RetryTransientOptions } from '../../operators/retryTransient.js';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import { parseJson, readResponse } from '../wire/readResponse.js';
import { type Credentials, noCredentials } from './credentials.js';
import { httpError } from './httpError.js';
import { type Random, uuid } from './random.js';
import { RetryNotices } from './retryNotices.js';
import { decideRetry } from './retryTable.js';
import type { Pool, Transport, TransportRequest, TransportResponse } from './transport.js';

/** Longest wait for one answer, in milliseconds. */
const REQUEST_TIMEOUT = 60_000;
/** How long the standard retries go on, in milliseconds. */
const STANDARD_DEADLINE = 300_000;
/** Longest pause for billing where nothing else is said, in milliseconds. */
const BILLING_PAUSE = 3_600_000;
/** What an {@link Api} is made of. */
export interface ApiOptions {
  readonly transport: Transport;
  /** Default: none, for servers that ask for none. */
  readonly credentials?: Credentials;
  /** Further headers of every request; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly scheduler: SchedulerLike;
  readonly random: Random;
  readonly log: Logger;
  readonly sdkVersion: string;
  /** Tells how long a 402 (billing) may hold up one request, in milliseconds; default 1 hour. */
  readonly billingPauseMs?: () => number;
}

/** A body that is encoded already. */
export interface EncodedBody {
  readonly contentType: string;
  readonly bytes: string | Uint8Array<ArrayBuffer>;
}

/**
 * How often a request is sent: `none` once; `standard` until 5 minutes have passed without success, pauses for 402 and
 * 429 not counted; or until a deadline of one's own, with statuses that are final here.
 */
export type RetryPolicy = 'none' | 'standard' | { readonly deadlineMs: number; readonly final?: readonly number[] };

/** One request, without what all requests share. */
export interface ApiRequest {
  readonly method: TransportRequest['method'];
  /** With its query, e.g. `/api/v1/sessions?limit=20`. */
  readonly path: string;
  /** A value to be sent as JSON, or an encoded body. */
  readonly body?: EncodedBody | object;
  /** Default `send`. */
  readonly pool?: Pool;
  /** Of one attempt; default 60 s. */
  readonly timeoutMs?: number;
  /** Header names in lower case; they win. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: a new one a subscription. */
  readonly idempotencyKey?: string;
}

/** A request and how its answer is read: by a schema of its JSON, or by a function. */
export type ApiCall<T> = ApiRequest & {
  readonly retry: RetryPolicy;
  /** Told of each failure after which the request is sent again. */
  readonly onRetry?: (error: TinkerError) => void;
} & ({ readonly schema: s.Schema<T> } | { readonly read: (response: TransportResponse) => T });

/** Requests with everything that they share: headers, errors, retries, notices of deprecation. */
export class Api {
  private readonly credentials: Credentials;
  private readonly notices: RetryNotices;

  constructor(private readonly options: ApiOptions) {
    this.credentials = options.credentials ?? noCredentials;
    this.notices = new RetryNotices(options);
  }

  /**
   * Sends a request at each subscription; emits the answer that was read and completes.
   *
   * All retries carry the same bytes and the same idempotency key. Errors with a `TinkerError`: by status, by
   * connection, or `invalid_response`.
   */
  call<T>(call: ApiCall<T>): Observable<T> {
    return new Observable((subscriber) => {
      const read = (response: TransportResponse): T => this.read(call, this.received(response));
      // The same bytes and the same idempotency key each time.
      const send = this.encode(call);
      const attempt = (): Observable<TransportResponse> => this.withKey(send);
      new Attempts(attempt, subscriber, new Retries(call, this.options, this.notices), read).begin();
    });
  }

  /** Takes every key that was ever used out of a text. */
  redact(text: string): string {
    return this.credentials.redact(text);
  }

  /**
   * Sends a request once at each subscription and emits the answer of any status; one that is no success has no key in
   * its body, whatever the server says.
   */
  callRaw(request: ApiRequest): Observable<TransportResponse> {
    return defer(() => this.send(request)).pipe(map((response) => this.received(response)));
  }

  /** The error of an answer that {@link callRaw} gave. */
  errorOf(request: Pick<ApiRequest, 'method' | 'path'>, response: TransportResponse): TinkerError {
    return httpError(endpointOf(request), response);
  }

  /** Sends a request once, for who asks often: an answer goes to {@link received} first. */
  send(request: ApiRequest): Observable<TransportResponse> {
    return this.withKey(this.encode(request));
  }

  /** Sends with a key, and once more with another where the server says that this one is no longer good. */
  private withKey(send: (key: string | undefined) => Observable<TransportResponse>): Observable<TransportResponse> {
    const { credentials } = this;
    const known = credentials.known?.();
    if (known !== undefined) return send(known.key);
    return credentials.key$.pipe(
      take(1),
      switchMap((key) =>
        send(key).pipe(
          switchMap((response) =>
            key === undefined || !isInvalidToken(response)
              ? of(response)
              : credentials.replace(key).pipe(
                  take(1),
                  switchMap((other) => send(other)),
                  defaultIfEmpty(response),
                ),
          ),
        ),
      ),
    );
  }

  /** Tells of notices, and takes keys out of what is no success. */
  received(response: TransportResponse): TransportResponse {
    this.notices.answer();
    const notice = response.headers['x-deprecation-note'];
    if (notice !== undefined) {
      const level = response.headers['x-deprecation-level'] === 'error' ? 'error' : 'warn';
      this.options.log[level](`Deprecation notice: ${this.redact(notice)}`);
    }
    return isSuccess(response) ? response : { ...response, body: this.redactBytes(response.body) };
  }

  /** Makes what sends a request with one key or another: the same bytes and the same idempotency key. */
  private encode(request: ApiRequest): (key: string | undefined) => Observable<TransportResponse> {
    const { method, path, body, pool = 'send', timeoutMs = REQUEST_TIMEOUT, idempotencyKey } = request;
    const { random, transport } = this.options;
    const encoded = body === undefined || isEncoded(body) ? body : jsonBody(body);
    const id = idempotencyKey ?? `rxtinker-${uuid(random)}`;
    return (key) =>
      transport.send({
        method,
        path,
        pool,
        timeoutMs,
        headers: this.headersOf(request, { key, id, contentType: encoded?.contentType }),
        ...(encoded !== undefined && { body: encoded.bytes }),
      });
  }

  /** One object that grows: spreading others into it would make it slow to write and to read. */
  private headersOf(
    request: ApiRequest,
    { key, id, contentType }: { key: string | undefined; id: string; contentType: string | undefined },
  ): Readonly<Record<string, string>> {
    const { headers: shared, sdkVersion } = this.options;
    const headers: Record<string, string> = {
      accept: 'application/json',
      'user-agent': `rxtinker/${sdkVersion}`,
      'x-sdk-version': sdkVersion,
      'x-idempotency-key': id,
    };
    if (key !== undefined) headers['x-api-key'] = key;
    if (contentType !== undefined) headers['content-type'] = contentType;
    copyInto(headers, shared);
    copyInto(headers, request.headers);
    return headers;
  }

  private read<T>(call: ApiCall<T>, response: TransportResponse): T {
    const endpoint = endpointOf(call);
    if (!isSuccess(response)) throw httpError(endpoint, response);
    if ('read' in call) return call.read(response);
    return readResponse(call.schema, this.parse(response.body, endpoint), endpoint);
  }

  private parse(body: Uint8Array, endpoint: string): unknown {
    try {
      return parseJson(body, endpoint);
    } catch {
      // The error shows a part of the body, and a part of a key can no longer be told from other text.
      return parseJson(this.redactBytes(body), endpoint);
    }
  }

  private redactBytes(body: Uint8Array): Uint8Array {
    const text = new TextDecoder().decode(body);
    const clean = this.redact(text);
    return clean === text ? body : new TextEncoder().encode(clean);
  }
}

/** The retries of one call, until it succeeds. */
class Retries implements RetryTransientOptions {
  readonly scheduler: SchedulerLike;
  readonly deadlineMs: number;
  private readonly final: readonly number[];
  /** What was waited for, not what the clock says: somebody may set it meanwhile. */
  private pausedMs = 0;

  constructor(
    private readonly call: Pick<ApiCall<unknown>, 'method' | 'path' | 'retry' | 'onRetry'>,
    private readonly options: Pick<ApiOptions, 'scheduler' | 'random' | 'billingPauseMs'>,
    private readonly notices: RetryNotices,
  ) {
    const { retry } = call;
    this.scheduler = options.scheduler;
    this.deadlineMs = typeof retry === 'string' ? STANDARD_DEADLINE : retry.deadlineMs;
    this.final = typeof retry === 'string' ? [] : (retry.final ?? []);
  }

  decide(error: unknown, attempt: number): RetryDecision {
    const { random, billingPauseMs } = this.options;
    if (this.call.retry === 'none') return { retry: false };
    if (!(error instanceof TinkerError) || this.final.includes(error.details.status ?? 0)) return { retry: false };
    const isBilling = error.code === 'payment_required';
    if (isBilling && this.pausedMs >= (billingPauseMs?.() ?? BILLING_PAUSE)) return { retry: false };
    const decision = decideRetry(error, attempt, random);
    this.pausedMs = isBilling && decision.retry ? this.pausedMs + decision.delayMs : 0;
    return decision;
  }

  onRetry(error: unknown): void {
    this.notices.retry(endpointOf(this.call), error);
    if (error instanceof TinkerError) this.call.onRetry?.(error);
  }
}

function endpointOf({ method, path }: Pick<ApiRequest, 'method' | 'path'>): string {
  const query = path.indexOf('?');
  return `${method} ${query < 0 ? path : path.slice(0, query)}`;
}

function copyInto(headers: Record<string, string>, more: Readonly<Record<string, string>> = {}): void {
  for (const name of Object.keys(more)) {
    const value = more[name];
    if (value !== undefined) headers[name] = value;
  }
}

function isSuccess({ status }: TransportResponse): boolean {
  return status >= 200 && status < 300;
}

/** As RFC 6750 says it. */
function isInvalidToken({ status, headers }: TransportResponse): boolean {
  return status === 401 && headers['www-authenticate']?.includes('error="invalid_token"') === true;
}

function isEncoded(body: object): body is EncodedBody {
  return 'contentType' in body && 'bytes' in body;
}

function jsonBody(value: object): EncodedBody {
  return { contentType: 'application/json', bytes: JSON.stringify(value) };
}
