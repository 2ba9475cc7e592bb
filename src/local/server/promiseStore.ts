import { defaultIfEmpty, forkJoin, type Observable } from 'rxjs';
import type { Clock } from './clock.js';
import { isCallersFault } from './isCallersFault.js';
import { resultBytes } from './operationResult.js';
import { refusal } from './refusal.js';
import type { ServerLimits } from './serverLimits.js';
import type { ServerLog } from './serverLog.js';
import { StoredPromise, type Outcome } from './storedPromise.js';

interface Settled {
  readonly promise: StoredPromise;
  readonly bytes: number;
  readAt: number;
}

/** Every promise handed out: pending ones, unread results, and results that were read a short while ago. */
export class PromiseStore {
  readonly #clock: Clock;
  readonly #limits: ServerLimits;
  readonly #log: ServerLog;
  /** Part of each id, so that those of an earlier run of the server are unknown, not expired. */
  readonly #run: string;
  #created = 0;
  readonly #pending = new Map<string, StoredPromise>();
  readonly #unread = new Map<string, Settled>();
  readonly #read = new Map<string, Settled>();
  #pendingBytes = 0;
  #unreadBytes = 0;
  #readBytes = 0;

  constructor(options: { clock: Clock; limits: ServerLimits; log: ServerLog; run: string }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#log = options.log;
    this.#run = options.run;
  }

  create(sessionId: string, requestBytes = 0): StoredPromise {
    this.#evict();
    this.#created += 1;
    const promise = new StoredPromise(`${this.#run}-${this.#created}`, sessionId, requestBytes);
    this.#pending.set(promise.id, promise);
    this.#pendingBytes += requestBytes;
    return promise;
  }

  /** Refuses with 429 when the calls that wait hold too many bytes. */
  checkRoom(): void {
    if (this.#pendingBytes <= this.#limits.queuedBytes) return;
    throw refusal(
      429,
      `${this.#pendingBytes} bytes of accepted calls wait; the limit is ${this.#limits.queuedBytes}. Send this again once some are done.`,
      { retryAfterMs: 500 },
    );
  }

  settle(promise: StoredPromise, outcome: Outcome): void {
    if (!this.#pending.delete(promise.id)) return;
    this.#pendingBytes -= promise.requestBytes;
    const bytes = outcome.ok ? resultBytes(outcome.result) : 2048;
    this.#unreadBytes += bytes;
    this.#unread.set(promise.id, { promise, bytes, readAt: 0 });
    promise.settle(outcome);
    this.#evict();
  }

  /** Settles with a failure; whose fault it is follows from the error. */
  fail(promise: StoredPromise, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const category = isCallersFault(error) ? 'user' : 'server';
    if (category === 'server') this.#log('error', `Promise ${promise.id} failed: ${message}`);
    this.settle(promise, { ok: false, message, category });
  }

  /** @throws TinkerError with status 404 for an id never handed out, 410 for a result that was dropped. */
  get(id: string): StoredPromise {
    const promise = this.#pending.get(id) ?? this.#unread.get(id)?.promise ?? this.#read.get(id)?.promise;
    if (promise !== undefined) return promise;
    const match = /^(.+)-([1-9][0-9]{0,15})$/.exec(id);
    if (match?.[1] === this.#run && Number(match[2]) <= this.#created) {
      throw refusal(
        410,
        `The result of ${id} was dropped: it was read before, or too much was left unread. Results stay ${this.#limits.resultKeepMs / 1000} s after they are read, while there is room.`,
      );
    }
    throw refusal(404, `No promise ${id} on this server; after a restart, send the operation again to a new model.`);
  }

  /** Notes that a result was handed over; it is dropped a while later. */
  markRead(promise: StoredPromise): void {
    const settled = this.#unread.get(promise.id);
    if (settled === undefined) return;
    this.#unread.delete(promise.id);
    this.#unreadBytes -= settled.bytes;
    settled.readAt = this.#clock.now();
    this.#read.set(promise.id, settled);
    this.#readBytes += settled.bytes;
    this.#evict();
  }

  /** Nobody is expected to read what a session left. */
  markSessionRead(sessionId: string): void {
    for (const { promise } of [...this.#unread.values()]) if (promise.sessionId === sessionId) this.markRead(promise);
  }

  /** Emits once when all that is pending now is settled. */
  idle$(): Observable<unknown> {
    return forkJoin(Array.from(this.#pending.values(), ({ outcome$ }) => outcome$)).pipe(defaultIfEmpty(undefined));
  }

  #evict(): void {
    const { resultKeepMs, readResultBytes, unreadResultBytes } = this.#limits;
    const expired = this.#clock.now() - resultKeepMs;
    for (const [id, { readAt, bytes }] of this.#read) {
      if (readAt > expired && this.#readBytes <= readResultBytes) break;
      this.#read.delete(id);
      this.#readBytes -= bytes;
    }
    for (const [id, { bytes }] of this.#unread) {
      if (this.#unreadBytes <= unreadResultBytes || this.#unread.size === 1) break;
      this.#unread.delete(id);
      this.#unreadBytes -= bytes;
      this.#log('warn', `Dropped the result of ${id} unread: such results exceed ${unreadResultBytes} bytes.`);
    }
  }
}
