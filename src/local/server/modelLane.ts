import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  from,
  map,
  Subject,
  Subscription,
  tap,
  timer,
  type Observable,
} from 'rxjs';
import type { Clock } from './clock.js';
import type { OperationResult } from './operationResult.js';
import type { PromiseStore } from './promiseStore.js';
import { refusal } from './refusal.js';
import type { StoredPromise } from './storedPromise.js';

/** One accepted call of a model. */
export interface LaneJob {
  readonly promise: StoredPromise;
  run(): Promise<OperationResult>;
}

interface Accepted {
  readonly fingerprint: string;
  /** The id only: a promise holds its result. */
  readonly promiseId: string;
}

/**
 * Executes the calls of one model in seq_id order, one at a time, whatever order they arrive in.
 *
 * A refused seq_id blocks nobody and may be used again. A seq_id that stays missing fails the calls that wait for it
 * and is then given up. Repeated calls get the promise of the first for as long as the model lives.
 */
export class ModelLane {
  readonly #promises: PromiseStore;
  readonly #clock: Clock;
  readonly #gapMs: number;
  /** The seq_id that is executed next. */
  #next = 1;
  readonly #waiting = new Map<number, LaneJob>();
  readonly #accepted = new Map<number, Accepted>();
  readonly #refused = new Set<number>();
  readonly #jobs = new Subject<LaneJob>();
  #gap: { readonly seqId: number; readonly timer: Subscription } | undefined;
  #last: LaneJob | undefined;
  #dropped: Error | undefined;

  constructor(options: { promises: PromiseStore; clock: Clock; gapMs: number }) {
    this.#promises = options.promises;
    this.#clock = options.clock;
    this.#gapMs = options.gapMs;
    this.#jobs.pipe(concatMap((job) => this.#run(job))).subscribe();
  }

  /** Whether accepted calls wait for this very seq_id. */
  fillsGap(seqId: number): boolean {
    return this.#waiting.size > 0 && seqId === this.#next;
  }

  /** Runs before everything that has a seq_id: the model's creation. */
  first(job: LaneJob): void {
    this.#jobs.next(job);
  }

  /**
   * The promise's id of an identical earlier call, or undefined where the seq_id is free.
   *
   * @throws TinkerError with status 409 when another body holds the seq_id or the model is being unloaded, 400 when the
   * seq_id was given up.
   */
  find(seqId: number, fingerprint: string): string | undefined {
    const earlier = this.#accepted.get(seqId);
    if (earlier?.fingerprint === fingerprint) return earlier.promiseId;
    if (earlier !== undefined) {
      throw refusal(
        409,
        `seq_id ${seqId} was used by another request of this model. Use each seq_id once; a retry sends the same bytes.`,
      );
    }
    if (seqId < this.#next && !this.#refused.has(seqId)) {
      throw refusal(
        400,
        `seq_id ${seqId} came too late: it was missing for ${this.#gapMs / 1000} s and given up. Go on with seq_id ${this.#next}.`,
      );
    }
    if (this.#last !== undefined && ![...this.#waiting.keys()].some((waiting) => waiting > seqId)) {
      throw refusal(409, 'The model is being unloaded and takes no new work.');
    }
    return undefined;
  }

  /** Takes a call in; to be asked after {@link find} gave undefined. */
  accept(seqId: number, fingerprint: string, job: LaneJob): void {
    this.#accepted.set(seqId, { fingerprint, promiseId: job.promise.id });
    if (this.#refused.delete(seqId) && seqId < this.#next) {
      this.#jobs.next(job);
      return;
    }
    this.#waiting.set(seqId, job);
    this.#advance();
  }

  /** Notes that the call with this seq_id was refused, so that later ones do not wait for it. */
  refuse(seqId: number): void {
    if (this.#accepted.has(seqId) || seqId < this.#next) return;
    this.#refused.add(seqId);
    this.#advance();
  }

  /** Takes no new work; the job runs after all that was accepted. */
  close(job: LaneJob): void {
    if (this.#last !== undefined) return;
    this.#last = job;
    this.#advance();
  }

  /** Fails all that has not begun, but for the job given to {@link close}. */
  drop(error: Error): void {
    this.#dropped = error;
    for (const { promise } of this.#waiting.values()) this.#promises.fail(promise, error);
    this.#waiting.clear();
    this.#advance();
  }

  #advance(): void {
    for (;;) {
      const job = this.#waiting.get(this.#next);
      if (job === undefined && !(this.#refused.has(this.#next) && this.#waiting.size > 0)) break;
      this.#waiting.delete(this.#next);
      this.#next += 1;
      if (job !== undefined) {
        job.promise.waitsFor = undefined;
        this.#jobs.next(job);
      }
    }
    this.#watchGap();
    if (this.#last !== undefined && this.#waiting.size === 0) {
      this.#jobs.next(this.#last);
      this.#jobs.complete();
    }
  }

  #watchGap(): void {
    const missing = this.#waiting.size === 0 ? undefined : this.#next;
    for (const { promise } of this.#waiting.values()) promise.waitsFor = `seq_id ${this.#next} has not arrived`;
    if (missing === this.#gap?.seqId) return;
    this.#gap?.timer.unsubscribe();
    this.#gap =
      missing === undefined
        ? undefined
        : {
            seqId: missing,
            timer: timer(this.#gapMs, this.#clock.scheduler)
              .pipe(tap(() => this.#giveUp(missing)))
              .subscribe(),
          };
  }

  #giveUp(missing: number): void {
    this.#gap = undefined;
    const waiting = [...this.#waiting].sort(([a], [b]) => a - b);
    this.#waiting.clear();
    for (const [seqId, { promise }] of waiting) {
      this.#promises.fail(
        promise,
        refusal(
          400,
          `seq_id ${seqId} was not executed: seq_id ${missing} did not arrive within ${this.#gapMs / 1000} s. Send every seq_id once, from 1 on.`,
        ),
      );
      this.#next = seqId + 1;
    }
    this.#advance();
  }

  #run(job: LaneJob): Observable<never> {
    return defer(() => {
      if (this.#dropped !== undefined && job !== this.#last) throw this.#dropped;
      return from(job.run());
    }).pipe(
      map((result) => ({ ok: true as const, result })),
      tap((outcome) => {
        this.#promises.settle(job.promise, outcome);
      }),
      catchError((error: unknown) => {
        this.#promises.fail(job.promise, error);
        return EMPTY;
      }),
      concatMap(() => EMPTY),
    );
  }
}
