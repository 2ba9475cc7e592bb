import { EMPTY, NEVER, Observable, Subject, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { settleOnce } from '../../src/clients/settleOnce.js';

/** What comes of a source, as words. */
function settled(source: () => Observable<string>): string[] {
  const heard: string[] = [];
  const settled$ = new Observable<string>((subscriber) =>
    settleOnce(source, subscriber, {
      settle: (first) => {
        if (first?.value === 'bad') throw new Error('no good');
        return first === undefined ? undefined : `settled ${first.value}`;
      },
      fail: (error) => `failed ${String(error)}`,
    }),
  );
  settled$.subscribe({ next: (word) => heard.push(word), complete: () => heard.push('complete') });
  return heard;
}

describe('settleOnce', () => {
  it('settles the first value, and only that', () => {
    expect(settled(() => of('a', 'b'))).toEqual(['settled a', 'complete']);
  });

  it('completes at an end without a value', () => {
    expect(settled(() => EMPTY)).toEqual(['complete']);
    expect(settled(() => NEVER)).toEqual([]);
  });

  it('fails by an error of the source, of its making, or of the settling, and never errors', () => {
    expect(settled(() => throwError(() => new Error('lost')))).toEqual(['failed Error: lost', 'complete']);
    expect(
      settled(() => {
        throw new Error('not made');
      }),
    ).toEqual(['failed Error: not made', 'complete']);
    expect(settled(() => of('bad'))).toEqual(['failed Error: no good', 'complete']);
  });

  it('says nothing of an error after the first value', () => {
    const source = new Subject<string>();
    const heard = settled(() => source);
    source.next('a');
    source.error(new Error('late'));
    expect(heard).toEqual(['settled a', 'complete']);
  });
});
