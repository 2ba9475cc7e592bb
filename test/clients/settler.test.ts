import { EMPTY, NEVER, type Observable, Subject, concat, finalize, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Settler } from '../../src/clients/settler.js';

class Words extends Settler<string, string> {
  protected settle(first: { readonly value: string } | undefined): string | undefined {
    if (first?.value === 'bad') throw new Error('no good');
    return first === undefined ? undefined : `settled ${first.value}`;
  }

  protected fail(error: unknown): string {
    return `failed ${String(error)}`;
  }
}

/** Begins with a source; `heard` is what the sink is told. */
function begin(source: () => Observable<string>) {
  const heard: string[] = [];
  const sink = { closed: false, next: (word: string) => heard.push(word), complete: () => heard.push('complete') };
  return { heard, sink, settler: new Words(sink).begin(source) };
}

describe('Settler', () => {
  it('settles the first value, and only that', () => {
    expect(begin(() => of('a', 'b')).heard).toEqual(['settled a', 'complete']);
  });

  it('completes at an end without a value', () => {
    expect(begin(() => EMPTY).heard).toEqual(['complete']);
    expect(begin(() => NEVER).heard).toEqual([]);
  });

  it('fails by an error of the source, of its making, or of the settling, and never errors', () => {
    const notMade = (): never => {
      throw new Error('not made');
    };
    expect(begin(() => throwError(() => new Error('lost'))).heard).toEqual(['failed Error: lost', 'complete']);
    expect(begin(notMade).heard).toEqual(['failed Error: not made', 'complete']);
    expect(begin(() => of('bad')).heard).toEqual(['failed Error: no good', 'complete']);
  });

  it('leaves the source at the first value, and hears nothing of it after', () => {
    const source = new Subject<string>();
    const { heard } = begin(() => source);
    source.next('a');
    expect(source.observed).toBe(false);
    source.error(new Error('late'));
    expect(heard).toEqual(['settled a', 'complete']);
  });

  it('leaves a source that has its first value at once and goes on', () => {
    let left = 0;
    begin(() => concat(of('a'), NEVER).pipe(finalize(() => (left += 1))));
    expect(left).toBe(1);
  });

  it('is stopped with nothing, and tells nobody once it is unsubscribed or nobody listens', () => {
    const stopped = begin(() => NEVER);
    stopped.settler.stop();
    stopped.settler.stop();
    expect(stopped.heard).toEqual(['complete']);
    const source = new Subject<string>();
    const left = begin(() => source);
    left.settler.unsubscribe();
    expect(source.observed).toBe(false);
    const unheard = begin(() => source);
    unheard.sink.closed = true;
    source.next('a');
    expect([...left.heard, ...unheard.heard]).toEqual([]);
  });
});
