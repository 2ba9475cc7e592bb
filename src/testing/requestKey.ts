import type { TransportRequest } from '../transport/transport.js';
import { type RecordedContent, toContent } from './recording.js';
import { removeSecretFields } from './removeSecrets.js';

/** Fields that differ from run to run and from release to release, though the request is the same. */
const changingFields = /"(process_uuid|event_id|timestamp|sdk_version)"\s*:\s*"(?:[^"\\]|\\.)*"/g;

/** What makes two requests the same: method, path and body, without what changes from run to run. */
export function requestKey(method: string, path: string, body: RecordedContent | undefined): string {
  if (body === undefined || 'base64' in body) return `${method} ${path} ${body?.base64 ?? ''}`;
  return `${method} ${path} ${removeSecretFields(body.text).replace(changingFields, '"$1":""')}`;
}

/** The body of a request as it would be recorded. */
export function bodyOf({ body, headers }: TransportRequest): RecordedContent | undefined {
  return body === undefined ? undefined : toContent(body, headers['content-type']);
}
