import fc from 'fast-check';
import { firstValueFrom, interval, take, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../../src/local/server/boundedMap.js';
import { constantTimeEqual } from '../../../src/local/server/constantTimeEqual.js';
import { cryptoRandom } from '../../../src/local/server/cryptoRandom.js';
import { fingerprint } from '../../../src/local/server/fingerprint.js';
import { seededRandom } from '../../../src/local/server/seededRandom.js';
import { systemClock } from '../../../src/local/server/systemClock.js';

describe('parts of the server', () => {
  it('compares secrets as strings do', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(constantTimeEqual(a, b)).toBe(a === b);
        expect(constantTimeEqual(a, a)).toBe(true);
        expect(constantTimeEqual(a, a + b)).toBe(b === '');
      }),
    );
  });

  it('tells requests apart by path and body', () => {
    const print = (path: string, body: Uint8Array): string => fingerprint({ method: 'POST', path, headers: {}, body });
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), fc.integer({ min: 1, max: 255 }), (body, at, change) => {
        expect(print('/a', body.slice())).toBe(print('/a', body));
        expect(print('/b', body)).not.toBe(print('/a', body));
        if (body.length === 0) return;
        const other = body.slice();
        other[at % body.length] = (other[at % body.length] ?? 0) ^ change;
        expect(print('/a', other)).not.toBe(print('/a', body));
      }),
    );
  });

  it('draws ids and seeds of the right form, the same for the same seed', () => {
    for (const random of [cryptoRandom, seededRandom(3)]) {
      const ids = Array.from({ length: 100 }, () => random.id());
      expect(new Set(ids).size).toBe(100);
      expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
      const seeds = Array.from({ length: 100 }, () => random.seed());
      expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true);
    }
    expect(seededRandom(3).id()).toBe(seededRandom(3).id());
    expect(seededRandom(3).id()).not.toBe(seededRandom(4).id());
  });

  it('forgets the oldest entries of a bounded map', () => {
    const map = new BoundedMap<string, number>(2);
    for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) map.set(key, index);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([2, undefined, 3]);
  });

  it('runs timers and intervals in real time, and stops them', async () => {
    const started = systemClock.now();
    await firstValueFrom(timer(20, systemClock.scheduler));
    expect(systemClock.now() - started).toBeGreaterThanOrEqual(18);
    expect(await firstValueFrom(interval(2, systemClock.scheduler).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    let ran = false;
    systemClock.scheduler.schedule(() => (ran = true), 5).unsubscribe();
    await firstValueFrom(timer(20, systemClock.scheduler));
    expect(ran).toBe(false);
  });
});
