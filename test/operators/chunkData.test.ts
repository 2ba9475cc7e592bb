import fc from 'fast-check';
import { type Observable, concat, from, lastValueFrom, of, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ChunkLimits, chunkData, splitIntoChunks } from '../../operators/chunkData.js';
import { testScheduler } from './testScheduler.js';

interface Item {
  readonly id: number;
  readonly tokens: number;
  readonly bytes: number;
}

const items = fc
  .array(fc.record({ tokens: fc.nat(20), bytes: fc.nat(100) }), { maxLength: 60 })
  .map((sizes) => sizes.map((size, id): Item => ({ id, ...size })));
const limits = fc
  .record({
    maxExamples: fc.integer({ min: 1, max: 9 }),
    maxTokens: fc.integer({ min: 1, max: 40 }),
    maxBytes: fc.integer({ min: 1, max: 200 }),
  })
  .map((some): ChunkLimits<Item> => ({
    ...some,
    countTokens: ({ tokens }) => tokens,
    countBytes: ({ bytes }) => bytes,
  }));
const total = (chunk: readonly Item[], key: 'tokens' | 'bytes'): number =>
  chunk.reduce((sum, item) => sum + item[key], 0);
const isWithin = (
  chunk: readonly Item[],
  { maxExamples = 0, maxTokens = 0, maxBytes = 0 }: ChunkLimits<Item>,
): boolean => chunk.length <= maxExamples && total(chunk, 'tokens') <= maxTokens && total(chunk, 'bytes') <= maxBytes;
const input = (length: number) => ({ modelInput: { length } });

describe('splitIntoChunks', () => {
  it('keeps order and loses nothing', () => {
    fc.assert(
      fc.property(items, limits, (data, some) => {
        expect(splitIntoChunks(data, some).flat()).toEqual(data);
      }),
    );
  });

  it('makes chunks within the limits, but for one oversized datum alone', () => {
    fc.assert(
      fc.property(items, limits, (data, some) => {
        for (const chunk of splitIntoChunks(data, some)) {
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length === 1 || isWithin(chunk, some)).toBe(true);
        }
      }),
    );
  });

  it('makes chunks as long as the limits let them be', () => {
    fc.assert(
      fc.property(items, limits, (data, some) => {
        const chunks = splitIntoChunks(data, some);
        chunks.slice(1).forEach(([first], index) => {
          expect(isWithin([...(chunks[index] ?? []), ...(first === undefined ? [] : [first])], some)).toBe(false);
        });
      }),
    );
  });

  it('holds 128 examples or 500,000 tokens of model input by default', () => {
    const sizes = (chunks: unknown[][]) => chunks.map((chunk) => chunk.length);
    expect(sizes(splitIntoChunks(Array.from({ length: 300 }, () => input(1))))).toEqual([128, 128, 44]);
    expect(sizes(splitIntoChunks([input(250_000), input(250_000), input(1)]))).toEqual([2, 1]);
    expect(sizes(splitIntoChunks([input(1), input(600_000), input(1)]))).toEqual([1, 1, 1]);
    expect(splitIntoChunks([])).toEqual([]);
  });

  it.each([
    [{ maxExamples: 0 }, 'Expected maxExamples to be a whole number ≥ 1, got 0.'],
    [{ maxTokens: 1.5 }, 'Expected maxTokens to be a whole number ≥ 1, got 1.5.'],
    [{ maxBytes: 10 }, 'Expected countBytes together with maxBytes, got undefined.'],
    [{ countTokens: () => NaN }, 'Expected the number of tokens of a datum to be ≥ 0, got NaN.'],
    [{ countTokens: () => -1 }, 'Expected the number of tokens of a datum to be ≥ 0, got -1.'],
  ])('refuses %o', (wrong, message) => {
    expect(() => splitIntoChunks([input(1)], wrong)).toThrow(message);
  });

  it('says what to do about data of another shape', () => {
    const untyped = splitIntoChunks as (data: unknown[]) => unknown[][];
    expect(() => untyped(['text'])).toThrow('Expected a datum with a modelInput, got "text". Pass countTokens');
  });
});

describe('chunkData', () => {
  const sized = { maxExamples: 3, maxTokens: 10, countTokens: (text: string) => Number(text) };

  it('gives the same chunks as splitIntoChunks', async () => {
    await fc.assert(
      fc.asyncProperty(items, limits, async (data, some) => {
        const chunks = await lastValueFrom(from(data).pipe(chunkData(some), toArray()));
        expect(chunks).toEqual(splitIntoChunks(data, some));
      }),
    );
  });

  it('emits a full chunk at once, an overfull one at the next datum, the rest on completion', () => {
    testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-1-1-1-6-5-4-|');
      expectObservable(source.pipe(chunkData(sized))).toBe('-----a---b---(c|)', {
        a: ['1', '1', '1'],
        b: ['6'],
        c: ['5', '4'],
      });
      expectSubscriptions(source.subscriptions).toBe('^------------!');
    });
  });

  it('emits two chunks where a datum ends one and fills another', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      const one = { maxExamples: 2, maxTokens: 10, countTokens: (n: number) => n };
      const source = cold('a-b-(c|)', { a: 3, b: 11, c: 4 });
      expectObservable(source.pipe(chunkData(one))).toBe('--a-(bc|)', { a: [3], b: [11], c: [4] });
    });
  });

  it('drops the unfinished chunk on an error', () => {
    testScheduler().run(({ cold, expectObservable }) => {
      expectObservable(cold('1-1-1-1-#').pipe(chunkData(sized))).toBe('----a---#', { a: ['1', '1', '1'] });
    });
  });

  it('unsubscribes from the source and emits nothing then', () => {
    testScheduler().run(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-1-1-1-1-1-1-|');
      expectObservable(source.pipe(chunkData(sized)), '--------!').toBe('-----a---', { a: ['1', '1', '1'] });
      expectSubscriptions(source.subscriptions).toBe('^-------!');
    });
  });

  it('takes a synchronous endless source as far as asked', async () => {
    const endless = from(
      (function* () {
        for (;;) yield input(1);
      })(),
    );
    expect(await lastValueFrom(endless.pipe(chunkData({ maxExamples: 2 }), take(3), toArray()))).toHaveLength(3);
  });

  it('keeps its state a subscription and errors where a count fails', async () => {
    const chunked: Observable<number[]> = of(1, 2).pipe(chunkData({ countTokens: (n) => n }));
    expect(await lastValueFrom(concat(chunked, chunked).pipe(toArray()))).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const failing = throwError(() => new Error('source')).pipe(chunkData({ countTokens: () => 1 }));
    await expect(lastValueFrom(failing)).rejects.toThrow('source');
    await expect(lastValueFrom(of(-1).pipe(chunkData({ countTokens: (n) => n })))).rejects.toThrow('≥ 0, got -1');
  });
});
