import { catchError, defer, EMPTY, finalize, from, map, mergeMap, Subject, tap, type Observable } from 'rxjs';
import type { BaseModelInfo } from '../engine/engine.js';
import { BoundedMap } from './boundedMap.js';
import type { OperationResult } from './operationResult.js';
import type { PromiseStore } from './promiseStore.js';
import { refusal } from './refusal.js';
import type { SamplerTarget } from './samplerTarget.js';
import type { StoredPromise } from './storedPromise.js';

/** The weights of a sampling session; a model's `inflight` sessions share one. */
export interface SharedTarget {
  current: SamplerTarget;
  samplers: number;
}

interface SampleCall {
  readonly promise: StoredPromise;
  run(engineId: string): Promise<OperationResult>;
}

/** A sampling session: runs its calls in any order, some at a time. */
export class Sampler {
  readonly id: string;
  readonly sessionId: string;
  readonly base: BaseModelInfo;
  readonly modelPath: string | undefined;
  /** The model whose weights it draws from. */
  readonly runId: string | undefined;
  /** Its weights are in no checkpoint. */
  readonly ephemeral: boolean;
  /** Calls by seq_id, to answer their repetition. */
  readonly calls = new BoundedMap<string, { fingerprint: string; promiseId: string }>(10_000);
  /** Clients that joined; the one that made it is 0. */
  joined = 0;
  readonly #target: SharedTarget;
  readonly #promises: PromiseStore;
  readonly #calls = new Subject<SampleCall>();
  /** Promises whose call has not begun, by id. */
  readonly #queued = new Map<string, StoredPromise>();

  constructor(options: {
    id: string;
    sessionId: string;
    base: BaseModelInfo;
    modelPath: string | undefined;
    runId: string | undefined;
    ephemeral: boolean;
    target: SharedTarget;
    promises: PromiseStore;
    concurrency: number;
  }) {
    this.id = options.id;
    this.sessionId = options.sessionId;
    this.base = options.base;
    this.modelPath = options.modelPath;
    this.runId = options.runId;
    this.ephemeral = options.ephemeral;
    this.#target = options.target;
    this.#promises = options.promises;
    this.#target.samplers += 1;
    this.#calls
      .pipe(
        mergeMap((call) => this.#run(call), options.concurrency),
        finalize(() => {
          this.#target.samplers -= 1;
          if (this.#target.samplers === 0) this.#target.current.retire();
        }),
      )
      .subscribe();
  }

  /** Queues a call; its promise is settled with its result. */
  accept(call: SampleCall): void {
    this.#queued.set(call.promise.id, call.promise);
    this.#calls.next(call);
  }

  /** Fails a call that has not begun; one that has goes on. */
  cancel(promise: StoredPromise): void {
    if (!this.#queued.delete(promise.id)) return;
    this.#promises.fail(promise, refusal(400, 'The sample was cancelled before it began.'));
  }

  /** Takes no new calls; those accepted run, or fail with the error if given; then the weights are let go. */
  close(dropWith?: Error): void {
    if (dropWith !== undefined) {
      for (const promise of this.#queued.values()) this.#promises.fail(promise, dropWith);
      this.#queued.clear();
    }
    this.#calls.complete();
  }

  #run(call: SampleCall): Observable<never> {
    return defer(() => {
      if (!this.#queued.delete(call.promise.id)) return EMPTY;
      return from(this.#target.current.use((engineId) => call.run(engineId)));
    }).pipe(
      map((result) => ({ ok: true as const, result })),
      tap((outcome) => {
        this.#promises.settle(call.promise, outcome);
      }),
      catchError((error: unknown) => {
        this.#promises.fail(call.promise, error);
        return EMPTY;
      }),
      mergeMap(() => EMPTY),
    );
  }
}
