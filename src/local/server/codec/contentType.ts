import type { ServerRequest } from '../serverRequest.js';

/** Whether a request's body is a protobuf message of the protocol. */
export function isProtobuf({ headers }: ServerRequest): boolean {
  return /^application\/x-protobuf\b/i.test(headers['content-type'] ?? '');
}
