import { type MonoTypeOperatorFunction, defer, mergeMap } from 'rxjs';

/** Emits values in the order of their steps, which have no gaps; one that comes early is held back. */
export function inStepOrder<T extends { readonly step: number }>(firstStep: number): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      const early = new Map<number, T>();
      let next = firstStep;
      const due = function* (): Generator<T> {
        for (let value = early.get(next); value !== undefined; value = early.get(next)) {
          early.delete(next++);
          yield value;
        }
      };
      return source.pipe(
        mergeMap((value) => {
          early.set(value.step, value);
          return due();
        }),
      );
    });
}
