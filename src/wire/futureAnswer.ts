import * as s from './schema.js';
import { errorMessage, messageOf } from './errorMessage.js';
import { openEnum, optional } from './optional.js';
import { parseJson, readResponse } from './readResponse.js';

/** Why work waits on the server. */
export type QueueState = 'active' | 'paused_rate_limit' | 'paused_capacity' | 'unknown';

/** A result as it came: parsed JSON, or the bytes of a protobuf message. */
export type ResultBody =
  { readonly kind: 'json'; readonly json: unknown } | { readonly kind: 'protobuf'; readonly bytes: Uint8Array };

/** One answer of retrieve_future, by what it means for the one who polls. */
export type FutureAnswer =
  | { readonly type: 'result'; readonly body: ResultBody }
  /** Not ready; ask again (200 `try_again` and 408). */
  | {
      readonly type: 'try_again';
      readonly queueState?: QueueState;
      readonly queueStateReason?: string;
      readonly retryAfterMs?: number;
    }
  /** Ready, and this large; ask again with `allow_metadata_only: false`. */
  | { readonly type: 'metadata'; readonly payloadSize: number }
  /** The operation failed on the server; final. */
  | { readonly type: 'failed'; readonly message: string; readonly category: 'user' | 'server' | 'unknown' }
  /** The server is in trouble (5xx); ask again. */
  | { readonly type: 'unavailable'; readonly status: number; readonly message: string; readonly retryAfterMs?: number }
  /** Too many requests (429), or a 400 without a body, which stands for a reset connection; ask again after a rest. */
  | { readonly type: 'back_off'; readonly status: number; readonly message: string; readonly retryAfterMs?: number }
  /** A 400 with a body: may be asked again three times. */
  | { readonly type: 'rejected'; readonly message: string }
  /** Billing stopped the job (402). */
  | { readonly type: 'payment_required'; readonly message: string }
  /** The server no longer knows the result (410). */
  | { readonly type: 'expired'; readonly message: string }
  /** Any other status; final. */
  | { readonly type: 'refused'; readonly status: number; readonly message: string };

const endpoint = 'POST /api/v1/retrieve_future';

const notReadySchema = s.object({
  queue_state: optional(openEnum('active', 'paused_rate_limit', 'paused_capacity')),
  queue_state_reason: optional(s.string()),
  retry_after_ms: optional(s.number().check(s.nonnegative())),
});
const metadataSchema = s.object({ response_payload_size: s.number().check(s.nonnegative()) });
const category = s.fallback(openEnum('user', 'server'), 'unknown');

/**
 * Reads an answer of retrieve_future.
 *
 * @param headers names in lower case
 * @param retryAfterMs what the headers ask for, if anything
 * @throws TinkerError `invalid_response` for a 200 that is neither JSON nor protobuf
 */
export function readFutureAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  retryAfterMs?: number,
): FutureAnswer {
  if (status >= 200 && status < 300) return readSuccess(headers['content-type'], body);
  const message = errorMessage(body);
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 408) return { ...readNotReady(body), ...wait };
  if (status >= 500) return { type: 'unavailable', status, message, ...wait };
  if (status === 429 || (status === 400 && body.length === 0)) return { type: 'back_off', status, message, ...wait };
  if (status === 400) return { type: 'rejected', message };
  if (status === 402) return { type: 'payment_required', message };
  if (status === 410) return { type: 'expired', message };
  return { type: 'refused', status, message };
}

function readSuccess(contentType: string | undefined, body: Uint8Array): FutureAnswer {
  if (contentType?.includes('application/x-protobuf') === true) {
    return { type: 'result', body: { kind: 'protobuf', bytes: body } };
  }
  const json = parseJson(body, endpoint);
  if (typeof json !== 'object' || json === null) return { type: 'result', body: { kind: 'json', json } };
  if ('type' in json && json.type === 'try_again') return tryAgain(readResponse(notReadySchema, json, endpoint));
  if ('status' in json && json.status === 'complete_metadata') {
    return { type: 'metadata', payloadSize: readResponse(metadataSchema, json, endpoint).response_payload_size };
  }
  if ('error' in json) {
    const message = messageOf(json.error) ?? JSON.stringify(json.error);
    return { type: 'failed', message, category: category.parse('category' in json ? json.category : undefined) };
  }
  return { type: 'result', body: { kind: 'json', json } };
}

function readNotReady(body: Uint8Array): FutureAnswer {
  try {
    return tryAgain(readResponse(notReadySchema, parseJson(body, endpoint), endpoint));
  } catch {
    // A proxy's 408 has no body of ours: it still means "not ready".
    return { type: 'try_again' };
  }
}

function tryAgain(answer: s.Output<typeof notReadySchema>): FutureAnswer {
  return {
    type: 'try_again',
    ...(answer.queue_state === undefined ? {} : { queueState: answer.queue_state }),
    ...(answer.queue_state_reason === undefined ? {} : { queueStateReason: answer.queue_state_reason }),
    ...(answer.retry_after_ms === undefined ? {} : { retryAfterMs: answer.retry_after_ms }),
  };
}
