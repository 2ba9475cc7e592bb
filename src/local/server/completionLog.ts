import { filter, map, startWith, Subject, take, type Observable } from 'rxjs';
import { encodeResult } from './codec/encodeResult.js';
import type { Outcome } from './storedPromise.js';

/** That a sample is done. */
export interface Completion {
  readonly state: 'finished' | 'failed';
  readonly request_id: string;
  /** Bytes of its result in protobuf. */
  readonly response_payload_uncompressed_size?: number;
}

/** Clients that never ask would let it grow for ever. */
const mostEntries = 10_000;

/** The samples of one client that are done, in the order in which they were, for a client that waits for all at once. */
export class CompletionLog {
  #entries: { readonly cursor: number; readonly completion: Completion }[] = [];
  #last = 0;
  readonly #added$ = new Subject<void>();

  add(requestId: string, outcome: Outcome): void {
    this.#last += 1;
    const completion: Completion = outcome.ok
      ? { state: 'finished', request_id: requestId, response_payload_uncompressed_size: sizeOf(outcome) }
      : { state: 'failed', request_id: requestId };
    this.#entries.push({ cursor: this.#last, completion });
    if (this.#entries.length > mostEntries) this.#entries = this.#entries.slice(-mostEntries / 2);
    this.#added$.next();
  }

  /** Emits once what follows the cursor, as soon as there is something; all up to the cursor is forgotten. */
  after$(seen: number): Observable<{ readonly completions: readonly Completion[]; readonly cursor: number }> {
    // A cursor from before the log was made anew says nothing about this one.
    const cursor = seen > this.#last ? 0 : seen;
    this.#entries = this.#entries.filter((entry) => entry.cursor > cursor);
    return this.#added$.pipe(
      startWith(undefined),
      map(() => this.#entries.filter((entry) => entry.cursor > cursor)),
      filter((entries) => entries.length > 0),
      take(1),
      map((entries) => ({
        completions: entries.map(({ completion }) => completion),
        cursor: entries.at(-1)?.cursor ?? cursor,
      })),
    );
  }
}

function sizeOf({ result }: Extract<Outcome, { ok: true }>): number {
  return encodeResult(result, 'application/x-protobuf').body.byteLength;
}
