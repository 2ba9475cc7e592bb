import { EMPTY, type Observable, concatMap, defer, of, repeat, throwError } from 'rxjs';
import type { Connection } from './connection.js';

/** One page of a list, and where the next one begins; `undefined`: this was the last. */
export interface Page<T, Place> {
  readonly items: readonly T[];
  readonly next: Place | undefined;
}

/**
 * The items of a list that servers give in pages, in order; a page is asked for when all items before it were taken.
 *
 * ```
 * pages   -(abc)-(de|)
 * output  -(abc)-(de|)
 * take(3) -(abc|)        the second page is not asked for
 * ```
 */
export function pages<T, Place>(
  connection: Connection,
  first: Place,
  fetch: (place: Place) => Observable<Page<T, Place>>,
): Observable<T> {
  return defer(() => {
    let place: Place | undefined = first;
    return defer(() => {
      const { closed } = connection;
      if (closed !== undefined) return throwError(() => closed);
      return place === undefined ? EMPTY : fetch(place);
    }).pipe(
      concatMap(({ items, next }) => {
        place = next;
        return items;
      }),
      repeat({ delay: () => (place === undefined ? EMPTY : of(true)) }),
    );
  });
}

/** Where the page after this one begins: none after a short page, or when the server says that this was all. */
export function nextOffset(
  page: { readonly offset: number; readonly pageSize: number; readonly count: number },
  totalCount?: number,
): number | undefined {
  const next = page.offset + page.count;
  const isLast = page.count === 0 || (totalCount === undefined ? page.count < page.pageSize : next >= totalCount);
  return isLast ? undefined : next;
}
