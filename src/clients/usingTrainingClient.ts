import {
  EMPTY,
  type Observable,
  catchError,
  concat,
  defer,
  finalize,
  ignoreElements,
  switchMap,
  throwError,
  timeout,
} from 'rxjs';
import type { CreateLoraOptions } from './createModel.js';
import type { ServiceClient } from './service.js';
import type { TrainingClient } from './training.js';

/** Longest that the end of the stream waits for the unload, in milliseconds. */
const UNLOAD_WAIT = 10_000;

/**
 * Makes a TrainingClient when subscribed, hands it to a stream, and unloads it whatever ended that.
 *
 * The end of the stream is passed on once the model is unloaded, or after 10 s; after an unsubscribe the unload goes on
 * and `service.close()` awaits it. Errors: those of the creation and of the stream.
 *
 * @example
 * ```ts
 * usingTrainingClient(service, { baseModel, rank: 8 }, (training) =>
 *   training.forwardBackward(data, 'cross_entropy'),
 * ).subscribe(({ metrics }) => console.log(metrics));
 * ```
 */
export function usingTrainingClient<T>(
  service: ServiceClient,
  options: CreateLoraOptions,
  project: (training: TrainingClient) => Observable<T>,
): Observable<T> {
  return defer(() => service.createLoraTrainingClient(options)).pipe(
    switchMap((training) => {
      let unloading = false;
      const unload = defer(() => {
        unloading = true;
        return training.unloadModel();
      }).pipe(
        ignoreElements(),
        timeout({ each: UNLOAD_WAIT, with: () => EMPTY, scheduler: service.scheduler }),
        catchError((error: unknown) => {
          service.log.warn(`Model ${training.modelId} could not be unloaded: ${String(error)}`);
          return EMPTY;
        }),
      );
      return concat(
        defer(() => project(training)),
        unload,
      ).pipe(
        catchError((error: unknown) =>
          unloading
            ? EMPTY
            : concat(
                unload,
                throwError(() => error),
              ),
        ),
        finalize(() => {
          if (!unloading) service.finishLater(unload);
        }),
      );
    }),
  );
}
