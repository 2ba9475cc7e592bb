import { type Observable, defer, mergeMap, tap } from 'rxjs';
import type * as evaluation from './evaluation.js';

/** What computes custom losses. */
export type Evaluation = typeof evaluation;

let loaded: Evaluation | undefined;

/** Uses what computes custom losses: it is loaded with the first of them, and there at once for all others. */
export function withEvaluation<T>(use: (evaluation: Evaluation) => Observable<T>): Observable<T> {
  return defer(() => {
    if (loaded !== undefined) return use(loaded);
    return defer(() => import('./evaluation.js')).pipe(tap(provideEvaluation), mergeMap(use));
  });
}

/** Has it there at once for the first, too: virtual time does not wait until something is loaded. */
export function provideEvaluation(evaluation: Evaluation): void {
  loaded = evaluation;
}
