/** Every code a {@link TinkerError} can carry, with what it means. */
export type TinkerErrorCode =
  /** An argument is wrong; thrown at the call, nothing was sent. */
  | 'invalid_argument'
  /** The configuration is wrong or incomplete (key, base URL, data directory, port). */
  | 'invalid_config'
  /** The server refused the request as malformed (400, 413, 415, 422). */
  | 'bad_request'
  /** The key is missing, wrong or expired (401). */
  | 'unauthenticated'
  /** Billing stopped the job for longer than the pause window (402). */
  | 'payment_required'
  /** The key may not do this (403). */
  | 'permission_denied'
  /** What was asked for does not exist (404). */
  | 'not_found'
  /** The request contradicts what the server has (409). */
  | 'conflict'
  /** The checkpoint's name is taken and `overwrite` was not given. */
  | 'checkpoint_exists'
  /** Too many requests (429). */
  | 'rate_limited'
  /** The server failed (5xx). */
  | 'server_error'
  /** The connection could not be made, broke, or gave no answer. */
  | 'connection_failed'
  /** No answer within the deadline of one request. */
  | 'request_timeout'
  /** The answer does not have the shape the protocol asks for. */
  | 'invalid_response'
  /** The server accepted the operation and it failed there. */
  | 'request_failed'
  /** The server no longer knows the result of an operation (410). */
  | 'promise_expired'
  /** The server no longer has the model, usually because it was restarted. */
  | 'model_lost'
  /** Polling got no HTTP answer for `silenceDeadline`; subscribing again resumes it. */
  | 'connection_lost'
  /** A send has no known outcome after `sendDeadline`; the lane is closed for good. */
  | 'lane_broken'
  /** Some chunks of a batch were accepted, others failed. */
  | 'partial_gradient'
  /** The operation was not sent because an earlier batch was applied in part. */
  | 'gradient_dirty'
  /** The caller's signal was aborted. */
  | 'aborted'
  /** The client was closed or its model unloaded. */
  | 'closed'
  /** `result({ timeoutMs })` ran out; the operation itself goes on. */
  | 'result_timeout'
  /** A custom loss threw or returned something that is no loss. */
  | 'invalid_loss'
  /** A tokenizer could not be had. */
  | 'tokenizer_unavailable'
  /** A pipeline of training steps failed. */
  | 'training_failed'
  /** A recorded session has no answer for this request. */
  | 'not_recorded';

/** An operation that was sent, by its type and sequence id. */
export interface SentOperation {
  readonly type: string;
  readonly seqId: number;
}

/** What is known about an error beside its message. Only what applies is set. */
export interface TinkerErrorDetails {
  /** HTTP status of the answer. */
  readonly status?: number;
  /** The server's id of the failed operation. */
  readonly requestId?: string;
  /** Whose fault the server says it is. */
  readonly category?: 'user' | 'server' | 'unknown';
  /** The failed operation and its sequence id, where it took one. */
  readonly operation?: string;
  readonly seqId?: number;
  /** Operations that were sent behind the failed one, and so ran or will run. */
  readonly laterSent?: readonly SentOperation[];
  /** Chunks of a batch whose gradient the server accepted, and those that failed; indices from 0. */
  readonly accepted?: readonly number[];
  readonly failed?: readonly number[];
  /** Milliseconds after which the server asks for a retry. */
  readonly retryAfterMs?: number;
  /** The step that failed, and the last one known to be applied (-1: none); steps count from 0. */
  readonly failedStep?: number;
  readonly lastStepKnownApplied?: number;
  /** Steps that were sent, in order. */
  readonly sent?: readonly number[];
}

/** The one error of this package: a literal `code`, whether trying again can help, and the cause. */
export class TinkerError extends Error {
  override readonly name = 'TinkerError';
  readonly code: TinkerErrorCode;
  readonly retryable: boolean;
  readonly details: TinkerErrorDetails;

  constructor(
    code: TinkerErrorCode,
    message: string,
    options: { retryable?: boolean; cause?: unknown; details?: TinkerErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** Makes the error of a wrong argument: "Expected x …, got …". */
export function invalidArgument(expected: string, got: unknown, whatToDo?: string): TinkerError {
  return new TinkerError(
    'invalid_argument',
    `Expected ${expected}, got ${describe(got)}.${whatToDo === undefined ? '' : ` ${whatToDo}`}`,
  );
}

/** A value in a few words, for error messages. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 80 ? `${JSON.stringify(value.slice(0, 77))}…` : JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${String(value.length)}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${String(value.byteLength)} bytes`;
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name: string } } | null;
  const name = prototype?.constructor?.name;
  if (name !== undefined && name !== 'Object') return `a ${name}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 6).join(', ')}`;
}
