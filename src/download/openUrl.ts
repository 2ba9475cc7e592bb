import { connectionError } from '../transport/connectionError.js';
import { TinkerError, describe } from '../errors.js';

/** An answer whose body comes in pieces. */
export interface OpenedUrl {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Asks for what a URL leads to. Errors: `connection_failed`, from the body too. */
export type OpenUrl = (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<OpenedUrl>;

/** By `fetch`, following redirects; sends no key. */
export const fetchUrl: OpenUrl = async (url, headers, signal) => {
  const { protocol, origin } = URL.canParse(url) ? new URL(url) : { protocol: '', origin: '' };
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TinkerError('invalid_response', `Expected an http or https URL of a file, got ${describe(protocol)}.`);
  }
  try {
    const response = await fetch(url, { headers, signal });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers.entries()),
      body: (async function* () {
        try {
          // Read of the response itself: fetch ends the body of one that nothing refers to any more.
          yield* (response.body ?? []) as AsyncIterable<Uint8Array>;
        } catch (error) {
          throw connectionError(origin, error);
        }
      })(),
    };
  } catch (error) {
    throw connectionError(origin, error);
  }
};
