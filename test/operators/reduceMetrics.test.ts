import fc from 'fast-check';
import { type Observable, from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type PassOutput,
  type WeightedMetrics,
  reduceMetricMaps,
  reduceMetrics,
} from '../../operators/reduceMetrics.js';
import { testScheduler } from './testScheduler.js';

const result = (metrics: Record<string, number>, weight = 1): WeightedMetrics => ({ metrics, weight });
const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const weighted = fc.array(fc.tuple(number, fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 8 });
const reduceOne = (key: string, samples: readonly (readonly [number, number])[]): number | undefined =>
  reduceMetricMaps(samples.map(([value, weight]) => result({ [key]: value }, weight)))[key];
const meanOf = (samples: readonly (readonly [number, number])[]): number =>
  samples.reduce((sum, [value, weight]) => sum + value * weight, 0) /
  samples.reduce((sum, [, weight]) => sum + weight, 0);

describe('reduceMetricMaps', () => {
  it('reduces each suffix as documented', () => {
    const reduced = reduceMetricMaps([
      result(
        { 'a:sum': 1, 'a:min': 1, 'a:max': 1, 'a:mean': 1, 'a:slack': 1, 'a:unique': 1, 'a:hash2': 1, 'a:odd': 1 },
        1,
      ),
      result(
        { 'a:sum': 4, 'a:min': 4, 'a:max': 4, 'a:mean': 4, 'a:slack': 4, 'a:unique': 4, 'a:hash2': 4, 'a:odd': 4 },
        2,
      ),
    ]);
    expect(reduced).toEqual({
      'a:sum': 5,
      'a:min': 1,
      'a:max': 4,
      'a:mean': 3,
      'a:slack': 1,
      'a:unique': 1,
      'a:unique_1': 4,
      'a:hash2': 5,
      'a:odd': 3,
    });
  });

  it('splits at the last colon; no colon and an unknown suffix mean the weighted mean', () => {
    const reduced = reduceMetricMaps([
      result({ 'a:b:sum': 1, sum: 1, 'x:constructor': 1, 'sum:': 1 }),
      result({ 'a:b:sum': 2, sum: 2, 'x:constructor': 2, 'sum:': 2 }),
    ]);
    expect(reduced).toEqual({ 'a:b:sum': 3, sum: 1.5, 'x:constructor': 1.5, 'sum:': 1.5 });
  });

  it('reduces a key over the chunks that have it, and keeps the order of first appearance', () => {
    const reduced = reduceMetricMaps([
      result({ 'b:mean': 1 }, 1),
      result({ 'a:sum': 2, 'b:mean': 3 }, 3),
      result({}, 9),
    ]);
    expect(Object.entries(reduced)).toEqual([
      ['b:mean', 2.5],
      ['a:sum', 2],
    ]);
  });

  it('takes the plain mean where no chunk has an output', () => {
    expect(
      reduceMetricMaps([result({ 'a:mean': 1, 'a:slack': 1 }, 0), result({ 'a:mean': 2, 'a:slack': 2 }, 0)]),
    ).toEqual({
      'a:mean': 1.5,
      'a:slack': 0.5,
    });
  });

  it('gives unique values names that nothing else has, also when reduced twice', () => {
    const once = reduceMetricMaps([result({ 'k:unique': 1 }), result({ 'k:unique': 2 })]);
    expect(reduceMetricMaps([result(once), result({ 'k:unique': 3 })])).toEqual({
      'k:unique': 1,
      'k:unique_1': 2,
      'k:unique_2': 3,
    });
  });

  it('is empty for no chunks and passes NaN on', () => {
    expect(reduceMetricMaps([])).toEqual({});
    const nan = result({ 'a:sum': NaN, 'a:min': NaN, 'a:max': NaN, 'a:mean': NaN, 'a:hash2': NaN });
    expect(reduceMetricMaps([nan, result({ 'a:min': 1, 'a:max': 1 })])).toEqual(nan.metrics);
  });

  it('sums hashes modulo 2^64', () => {
    const reduce = (...values: number[]) =>
      reduceOne(
        'h:hash2',
        values.map((value) => [value, 1] as const),
      );
    expect(reduce(2 ** 63, 2 ** 63)).toBe(0);
    expect(reduce(2 ** 63, 2 ** 63, 5)).toBe(5);
    expect(reduce(-1)).toBe(2 ** 64);
    expect(reduce(-1, 3)).toBe(2);
    expect(reduce(2.9)).toBe(2);
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1 }), (hashes) => {
        const doubles = hashes.map(Number);
        expect(reduce(...doubles)).toBe(Number(doubles.reduce((sum, value) => sum + BigInt(value), 0n) % 2n ** 64n));
      }),
    );
  });

  it('loses no key and makes up none but numbered ones', () => {
    const maps = fc.array(fc.record({ metrics: fc.dictionary(fc.string(), number), weight: fc.nat(9) }));
    fc.assert(
      fc.property(maps, (results) => {
        const given = new Set(results.flatMap(({ metrics }) => Object.keys(metrics)));
        const reduced = new Set(Object.keys(reduceMetricMaps(results)));
        expect([...given].filter((key) => !reduced.has(key))).toEqual([]);
        expect([...reduced].filter((key) => !given.has(key) && !/:unique_\d+$/.test(key))).toEqual([]);
      }),
    );
  });

  it('changes nothing for a single chunk but slack and hash', () => {
    const keys = fc.constantFrom('l:sum', 'l:min', 'l:max', 'l:unique', 'l:other', 'plain');
    fc.assert(
      fc.property(fc.dictionary(keys, number), fc.constant(1), (metrics, weight) => {
        expect(reduceMetricMaps([{ metrics, weight }])).toEqual({ ...metrics });
      }),
    );
  });

  it('does not depend on how a batch is cut: sums and means of chunks are those of the batch', () => {
    fc.assert(
      fc.property(weighted, (samples) => {
        const size = samples.reduce((sum, [value]) => sum + Math.abs(value), 1);
        expect(Math.abs((reduceOne('l:mean', samples) ?? NaN) - meanOf(samples))).toBeLessThanOrEqual(1e-9 * size);
        expect(reduceOne('l:max', samples)).toBe(Math.max(...samples.map(([value]) => value)));
        expect(reduceOne('l:min', samples)).toBe(Math.min(...samples.map(([value]) => value)));
        const cut = Math.floor(samples.length / 2);
        const halves = [samples.slice(0, cut), samples.slice(cut)].filter((half) => half.length > 0);
        const twice = reduceMetricMaps(
          halves.map((half) => ({
            metrics: { 'l:mean': reduceOne('l:mean', half) ?? NaN, 'l:sum': reduceOne('l:sum', half) ?? NaN },
            weight: half.reduce((sum, [, weight]) => sum + weight, 0),
          })),
        );
        expect(Math.abs((twice['l:mean'] ?? NaN) - meanOf(samples))).toBeLessThanOrEqual(1e-9 * size);
        expect(Math.abs((twice['l:sum'] ?? NaN) - (reduceOne('l:sum', samples) ?? NaN))).toBeLessThanOrEqual(
          1e-9 * size,
        );
      }),
    );
  });
});

describe('reduceMetrics', () => {
  const output = (outputs: readonly string[], loss: number): PassOutput<string> => ({
    lossFnOutputType: `type of ${outputs.join('')}`,
    lossFnOutputs: outputs,
    metrics: { 'loss:sum': loss, 'loss:mean': loss },
  });
  const chunks = { a: output(['x', 'y', 'z'], 1), b: output(['w'], 5) };
  const joined = {
    lossFnOutputType: 'type of xyz',
    lossFnOutputs: ['x', 'y', 'z', 'w'],
    metrics: { 'loss:sum': 6, 'loss:mean': 2 },
  };

  it('emits one result on completion, weighted by the number of outputs', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a--b-|', chunks);
      expectObservable(source.pipe(reduceMetrics())).toBe('------(r|)', { r: joined });
      expectSubscriptions(source.subscriptions).toBe('^-----!');
    });
  });

  it('stays empty for an empty source, passes errors on, and unsubscribes', () => {
    testScheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const empty: Observable<PassOutput<string>> = cold('--|');
      expectObservable(empty.pipe(reduceMetrics())).toBe('--|');
      expectObservable(cold('-a-#', chunks).pipe(reduceMetrics())).toBe('---#');
      const endless = cold('-a-b-', chunks);
      expectObservable(endless.pipe(reduceMetrics()), '----!').toBe('-----');
      expectSubscriptions(endless.subscriptions).toBe('^---!');
    });
  });

  it('takes a synchronous source', async () => {
    expect(await lastValueFrom(from([chunks.a, chunks.b]).pipe(reduceMetrics(), toArray()))).toEqual([joined]);
  });
});
