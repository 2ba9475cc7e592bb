import { jsonResponse } from './jsonResponse.js';
import { refusal } from './refusal.js';
import type { ServerResponse } from './serverResponse.js';
import type { Session } from './session.js';

const names = {
  model: 'model_seq_id',
  sampler: 'sampling_session_seq_id',
  loss: 'custom_loss_seq_id',
} as const;

/**
 * The answer of an identical earlier creation in a session, or undefined where the number is free.
 *
 * @throws TinkerError with status 409 when another creation has the number.
 */
export function findCreated(
  session: Session,
  kind: keyof typeof names,
  seqId: number,
  fingerprint: string,
): ServerResponse | undefined {
  const earlier = session.created.get(`${kind}:${seqId}`);
  if (earlier === undefined) return undefined;
  if (earlier.fingerprint === fingerprint) return jsonResponse(earlier.answer);
  throw refusal(409, `${names[kind]} ${seqId} was used by another request of session ${session.id}. Use each once.`);
}
