import { EMPTY, type Observable, of } from 'rxjs';

/** Where requests get their key from. */
export interface Credentials {
  /** Emits the key for one request and completes; `undefined`: none is needed. Errors where none can be had. */
  readonly key$: Observable<string | undefined>;
  /** The key of the next request where it is known at once and has no other in its place. */
  readonly known?: () => { readonly key: string | undefined } | undefined;
  /** Emits a key in place of one that the server called invalid; completes without one where there is no other. */
  replace(rejected: string): Observable<string>;
  /** Takes every key that was ever used out of a text. */
  readonly redact: (text: string) => string;
}

/** No key, for servers that ask for none. */
export const noCredentials: Credentials = {
  key$: of(undefined),
  known: () => ({ key: undefined }),
  replace: () => EMPTY,
  redact: (text) => text,
};
