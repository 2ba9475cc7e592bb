import type { Observable } from 'rxjs';
import type { Metrics } from './reduceMetrics.js';

/** A result that comes with metrics. */
export interface WithMetrics {
  readonly metrics: Metrics;
}

/** What {@link trainSteps} drives: `O` and `P` are the results of a pass and of an optimizer step. */
export interface Optimizable<A, P extends WithMetrics> {
  /** Applies the accumulated gradient when subscribed to; emits once. */
  optimStep(adam?: A): Observable<P>;
}

/** A model that is trained by a loss that the server knows by name. */
export interface Trainable<D, L extends string, A, O extends WithMetrics, P extends WithMetrics, C> extends Optimizable<
  A,
  P
> {
  /** Accumulates the gradient of a batch when subscribed to; emits once. */
  forwardBackward(data: readonly D[], loss: L, options?: { readonly lossConfig?: C }): Observable<O>;
}

/** A model that is trained by a custom loss. */
export interface CustomTrainable<
  D,
  F extends object,
  A,
  O extends WithMetrics,
  P extends WithMetrics,
> extends Optimizable<A, P> {
  /** Accumulates the gradient of a batch under a custom loss when subscribed to; emits once. */
  forwardBackwardCustom(data: readonly D[], loss: F): Observable<O>;
}

/** Either of both; which one a loss needs is checked when it is called. */
export interface AnyTrainable<D, L extends string, F extends object, A, O extends WithMetrics, P extends WithMetrics, C>
  extends
    Optimizable<A, P>,
    Partial<Pick<Trainable<D, L, A, O, P, C>, 'forwardBackward'>>,
    Partial<Pick<CustomTrainable<D, F, A, O, P>, 'forwardBackwardCustom'>> {}
