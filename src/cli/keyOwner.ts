import * as z from 'zod';
import { TinkerError } from '../errors.js';
import { Interrupted } from './interrupted.js';

const ownerSchema = z.object({
  key_id: z.union([z.int(), z.string()]).optional(),
  name: z.string(),
  note: z.string().nullish(),
  details: z
    .object({ org_details: z.object({ name: z.string() }), user_details: z.object({ email: z.string() }) })
    .nullish(),
});

/** What a server says of a key. */
export type KeyOwner = z.output<typeof ownerSchema>;

const LIMIT_MS = 30_000;

/** Asks a server whose a key is. @throws TinkerError `unauthenticated` for a key that it does not know */
export async function describeKey(key: string, baseUrl: string, signal: AbortSignal): Promise<KeyOwner> {
  const response = await ask('GET', key, baseUrl, signal);
  const read = ownerSchema.safeParse(await response.json().catch(() => undefined));
  if (read.success) return read.data;
  throw new TinkerError('invalid_response', `Expected ${baseUrl} to say whose the key is. Check the address.`);
}

/** Has the server delete a key; one that it does not know is deleted already. */
export async function deleteKey(key: string, baseUrl: string, signal: AbortSignal): Promise<void> {
  try {
    await ask('DELETE', key, baseUrl, signal);
  } catch (error) {
    if (!(error instanceof TinkerError && error.code === 'unauthenticated')) throw error;
  }
}

async function ask(method: 'GET' | 'DELETE', key: string, baseUrl: string, signal: AbortSignal): Promise<Response> {
  const url = `${baseUrl.replace(/\/+$/, '')}/api/v1/auth/apikey/me`;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { 'x-api-key': key },
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
  } catch (cause) {
    if (signal.aborted) throw new Interrupted(signal.reason);
    throw new TinkerError('connection_failed', `${baseUrl} can't be reached. Check the network and --base-url.`, {
      cause,
    });
  }
  if (response.ok) return response;
  if (response.status === 401 || response.status === 403) {
    throw new TinkerError('unauthenticated', 'The server does not know this key. Copy it again, or make another.');
  }
  throw new TinkerError(
    'server_error',
    `Asked about the key, ${baseUrl} answered ${response.status}. Try again later.`,
  );
}
