import { TinkerError } from '../../../errors.js';
import { type Fields, readMessage } from '../../../wire/proto/readMessage.js';
import { refusal } from '../refusal.js';

/**
 * Reads a protobuf message of a request field by field, so that nothing is built that was not asked for; other fields
 * are skipped.
 *
 * @throws TinkerError with status 400 for bytes that are no such message, and what the fields throw.
 */
export function readRequestMessage(bytes: Uint8Array, where: string, fields: Fields<undefined>): void {
  try {
    readMessage(bytes, undefined, fields);
  } catch (cause) {
    if (cause instanceof TinkerError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw refusal(400, `${where}: Expected a protobuf message of the protocol: ${problem}.`);
  }
}
