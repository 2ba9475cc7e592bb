import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import * as s from '../../src/wire/schema.js';

/** The same schema as ours and zod's, and values that mostly fit. */
interface Pair {
  readonly own: s.Schema<unknown>;
  readonly other: z.ZodMiniType;
  readonly values: fc.Arbitrary<unknown>;
}

const name = fc.constantFrom('a', 'b_c', 'type', '__proto__', 'constructor');
const int = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, 1.5, NaN, Infinity, 2 ** 53));

const leaf = fc.constantFrom<Pair>(
  { own: s.string(), other: z.string(), values: fc.string() },
  { own: s.string().check(s.minLength(2)), other: z.string().check(z.minLength(2)), values: fc.string() },
  { own: s.number(), other: z.number(), values: fc.double() },
  { own: s.int(), other: z.int(), values: int },
  { own: s.int().check(s.positive()), other: z.int().check(z.positive()), values: int },
  { own: s.number().check(s.nonnegative()), other: z.number().check(z.nonnegative()), values: fc.double() },
  {
    own: s.pair(s.int(), s.number()),
    other: z.tuple([z.int(), z.number()]),
    values: fc.oneof(fc.tuple(int, fc.double()), fc.array(int, { maxLength: 3 })),
  },
  { own: s.boolean(), other: z.boolean(), values: fc.boolean() },
  { own: s.oneOf('a', 'b'), other: z.enum(['a', 'b']), values: fc.constantFrom('a', 'b', 'c') },
  { own: s.oneOf(1), other: z.literal(1), values: fc.constantFrom(1, 2) },
);

const { pair } = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 2, arbitrary: leaf },
    tie('pair').map(({ own, other, values }) => ({
      own: s.nullable(own),
      other: z.nullable(other),
      values: fc.option(values),
    })),
    tie('pair').map(({ own, other, values }) => ({
      own: s.nullish(own),
      other: z.nullish(other),
      values: fc.oneof(values, fc.constantFrom(null, undefined)),
    })),
    fc.constant({
      own: s.record(s.unknown()),
      other: z.record(z.string(), z.unknown()),
      values: fc.dictionary(name, fc.jsonValue()),
    }),
    tie('pair').map(({ own, other, values }) => ({
      own: s.array(own),
      other: z.array(other),
      values: fc.array(values, { maxLength: 4 }),
    })),
    tie('pair').map(({ own, other, values }) => ({
      own: s.record(own),
      other: z.record(z.string(), other),
      values: fc.dictionary(name, values, { maxKeys: 4 }),
    })),
    tie('pair').map(({ own, other, values }) => ({
      own: s.fallback(own, 7),
      other: z.catch(other, 7),
      values,
    })),
    tie('pair').map(({ own, other, values }) => ({
      own: s.transform(own, (value) => [value]),
      other: z.pipe(
        other,
        z.transform((value) => [value]),
      ),
      values,
    })),
    fc.tuple(tie('pair'), tie('pair')).map(([a, b]) => ({
      own: s.union([a.own, b.own]),
      other: z.union([a.other, b.other]),
      values: fc.oneof(a.values, b.values),
    })),
    fc.tuple(tie('pair'), tie('pair')).map(([a, b]) => ({
      own: s.object({ a: a.own, b_c: s.nullish(b.own) }),
      other: z.object({ a: a.other, b_c: z.nullish(b.other) }),
      values: fc.record({ a: a.values, b_c: b.values, more: fc.jsonValue() }, { requiredKeys: [] }),
    })),
    fc.tuple(tie('pair'), tie('pair')).map(([a, b]) => ({
      own: s.variants('type', { a: s.object({ x: a.own }), b: s.object({ x: b.own }) }),
      other: z.discriminatedUnion('type', [
        z.pipe(
          z.object({ type: z.literal('a'), x: a.other }),
          z.transform(({ type: _, ...read }) => read),
        ),
        z.pipe(
          z.object({ type: z.literal('b'), x: b.other }),
          z.transform(({ type: _, ...read }) => read),
        ),
      ]),
      values: fc.record({ type: fc.constantFrom('a', 'b', 'c'), x: fc.oneof(a.values, b.values) }),
    })),
  ),
}));

const own = (schema: s.Schema<unknown>, value: unknown) => {
  const read = schema.safeParse(value);
  return read.success ? { read: read.data } : 'refused';
};
const other = (schema: z.ZodMiniType, value: unknown) => {
  const read = z.safeParse(schema, value);
  return read.success ? { read: read.data } : 'refused';
};

describe('a schema', () => {
  it('reads and refuses what the same schema of zod does', () => {
    fc.assert(
      fc.property(
        pair.chain((schemas) => fc.tuple(fc.constant(schemas), fc.oneof(schemas.values, fc.jsonValue()))),
        ([schemas, value]) => {
          expect(own(schemas.own, value)).toEqual(other(schemas.other, value));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('says what is wrong and where', () => {
    const schema = s.object({ rows: s.array(s.record(s.int())), kind: s.nullish(s.oneOf('a', 'b')) });
    const problemOf = (value: unknown) => {
      const read = schema.safeParse(value);
      return read.success ? 'none' : String(read.error);
    };
    expect(problemOf({ rows: [{ a: 1 }] })).toBe('none');
    expect(problemOf(null)).toBe('the body: Invalid input: expected object, received null');
    expect(problemOf({})).toBe('rows: Invalid input: expected array, received undefined');
    expect(problemOf({ rows: [{}, { a: 'x' }] })).toBe('rows.1.a: Invalid input: expected int, received string');
    expect(problemOf({ rows: [], kind: 'c' })).toBe('kind: Invalid input: expected one of "a"|"b"');
    expect(() => schema.parse({ rows: 1 })).toThrow(
      new TypeError('rows: Invalid input: expected array, received number'),
    );
  });

  it('lets a change refuse what it was given', () => {
    const even = s.transform(s.int(), (value, problem) =>
      value % 2 === 0 ? value / 2 : problem.refuse('Expected even'),
    );
    expect(s.array(even).parse([2, 4])).toEqual([1, 2]);
    expect(() => s.array(even).parse([2, 3])).toThrow('1: Expected even');
  });
});
