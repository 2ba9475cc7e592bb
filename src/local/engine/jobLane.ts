import type { Lane } from './sliceQueue.js';

/** A job in slices: each `next` computes one, the last gives the result. Async generators are such jobs. */
export type Slices<Result> = Pick<AsyncIterator<undefined, Result>, 'next'>;

/** A job of one slice. */
export function oneSlice<Result>(compute: () => Result): Slices<Result> {
  return { next: () => Promise.resolve().then(() => ({ done: true, value: compute() })) };
}

/** Jobs of one model, done one after another in the order of the calls. */
export class JobLane implements Lane {
  readonly #jobs: (() => Promise<boolean>)[] = [];

  /** Queues a job; settles with its result or error. */
  add<Result>(slices: Slices<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() =>
        slices.next().then(
          (slice) => {
            if (slice.done === true) resolve(slice.value);
            return slice.done === true;
          },
          (error: unknown) => {
            reject(error instanceof Error ? error : new Error(String(error)));
            return true;
          },
        ),
      );
    });
  }

  async advance(): Promise<boolean> {
    const done = await this.#jobs[0]?.();
    if (done === true) this.#jobs.shift();
    return this.#jobs.length > 0;
  }
}
