import { TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';

/** A scheduler whose virtual time starts at 0 and whose marbles are compared deeply. */
export function testScheduler(): TestScheduler {
  return new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
}
