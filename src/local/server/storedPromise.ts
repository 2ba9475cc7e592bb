import { AsyncSubject, type Observable } from 'rxjs';
import type { OperationResult } from './operationResult.js';

/** How an operation ended. */
export type Outcome =
  | { readonly ok: true; readonly result: OperationResult }
  | { readonly ok: false; readonly message: string; readonly category: 'user' | 'server' };

/** An accepted operation whose outcome clients poll for. */
export class StoredPromise {
  readonly id: string;
  readonly sessionId: string;
  /** Bytes of the request, held until it is done. */
  readonly requestBytes: number;
  /** Why the operation does not run yet, where that is out of the ordinary. */
  waitsFor: string | undefined;
  readonly #outcome$ = new AsyncSubject<Outcome>();
  #outcome: Outcome | undefined;

  constructor(id: string, sessionId: string, requestBytes: number) {
    this.id = id;
    this.sessionId = sessionId;
    this.requestBytes = requestBytes;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Emits the outcome once there is one, and completes. */
  get outcome$(): Observable<Outcome> {
    return this.#outcome$.asObservable();
  }

  /** Settles it; the first outcome stays. */
  settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.waitsFor = undefined;
    this.#outcome$.next(outcome);
    this.#outcome$.complete();
  }
}
