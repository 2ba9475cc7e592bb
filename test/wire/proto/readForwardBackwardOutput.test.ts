import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TinkerError } from '../../../src/errors.js';
import { readForwardBackwardOutput } from '../../../src/wire/proto/readForwardBackwardOutput.js';
import { DType, ForwardBackwardOutputSchema } from '../../../src/wire/proto/tinker_public_pb.js';
import { atOffset, int64 } from './bytes.js';

type Output = MessageInitShape<typeof ForwardBackwardOutputSchema>;
const encode = (output: Output): Uint8Array =>
  toBinary(ForwardBackwardOutputSchema, create(ForwardBackwardOutputSchema, output));
const read = (output: Output) => readForwardBackwardOutput(encode(output));

/** How each dtype is written, and what a reader should give for the same numbers. */
const dtypes = [
  {
    dtype: DType.DTYPE_FLOAT32,
    value: fc.float(),
    write: (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer),
    expected: (values: readonly number[]) => Float32Array.from(values),
  },
  {
    dtype: DType.DTYPE_BFLOAT16,
    // Numbers that have a bfloat16, by way of their bits.
    value: fc
      .integer({ min: 0, max: 0xffff })
      .map((bits) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? 0),
    write: (values: readonly number[]) =>
      Uint8Array.from(values.flatMap((value) => [...new Uint8Array(Float32Array.of(value).buffer, 2, 2)])),
    expected: (values: readonly number[]) => Float32Array.from(values),
  },
  {
    dtype: DType.DTYPE_INT32,
    value: fc.integer(),
    write: (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer),
    expected: (values: readonly number[]) => Int32Array.from(values),
  },
  {
    dtype: DType.DTYPE_INT64,
    value: fc.integer(),
    write: int64,
    expected: (values: readonly number[]) => Int32Array.from(values),
  },
] as const;

/** A record of datums that all have the fields `logprobs`, of any lengths, and `rows`, of two columns. */
const record = fc
  .constantFrom(...dtypes)
  .chain((kind) =>
    fc
      .array(fc.record({ logprobs: fc.array(kind.value), rows: fc.array(fc.tuple(kind.value, kind.value)) }))
      .map((datums) => ({ kind, datums })),
  );

const offsetsOf = (lengths: readonly number[], itemSize: number): Uint8Array =>
  int64([0, ...lengths.map((_, datum) => itemSize * lengths.slice(0, datum + 1).reduce((sum, n) => sum + n, 0))]);

describe('readForwardBackwardOutput', () => {
  it('reads records of every dtype, ragged and empty, wherever they lie in memory', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 3 }),
        fc.dictionary(fc.string(), fc.double(), { noNullPrototype: true }),
        fc.integer({ min: 0, max: 7 }),
        (records, metrics, offset) => {
          const bytes = encode({
            lossFnOutputType: 'losses:ArrayRecord',
            lossFnOutputs: records.map(({ kind, datums }) => {
              const itemSize = kind.write([0]).length;
              const lengths = datums.map(({ logprobs }) => logprobs.length);
              const sizes = datums.map(({ rows }) => 2 * rows.length);
              const { dtype } = kind;
              return {
                numDatums: BigInt(datums.length),
                fields: {
                  logprobs: {
                    dtype,
                    data: kind.write(datums.flatMap(({ logprobs }) => logprobs)),
                    offsets: offsetsOf(lengths, itemSize),
                  },
                  rows: {
                    dtype,
                    data: kind.write(datums.flatMap(({ rows }) => rows.flat())),
                    offsets: offsetsOf(sizes, itemSize),
                    trailingShape: [2n],
                  },
                },
              };
            }),
            metrics,
          });
          const output = readForwardBackwardOutput(atOffset(bytes, offset));
          expect(output.lossFnOutputType).toBe('ArrayRecord');
          expect(output.metrics).toEqual(metrics);
          expect(
            output.lossFnOutputs.map(({ logprobs, rows }) => [
              logprobs?.data,
              logprobs?.shape,
              rows?.data,
              rows?.shape,
            ]),
          ).toEqual(
            records.flatMap(({ kind, datums }) =>
              datums.map(({ logprobs, rows }) => [
                kind.expected(logprobs),
                [logprobs.length],
                kind.expected(rows.flat()),
                [rows.length, 2],
              ]),
            ),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps aligned float32 values where they are, and copies others once for a batch', () => {
    const values = Float32Array.from({ length: 6 }, (_, index) => index);
    const bytes = encode({
      lossFnOutputs: [
        {
          numDatums: 2n,
          fields: {
            logprobs: {
              dtype: DType.DTYPE_FLOAT32,
              data: new Uint8Array(values.buffer),
              offsets: offsetsOf([2, 4], 4),
            },
          },
        },
      ],
    });
    const first = new Uint8Array(values.buffer, 0, 8);
    const place = Buffer.from(bytes).indexOf(first);
    const read = [0, 1, 2, 3].map((offset) => {
      const moved = atOffset(bytes, offset);
      const [a, b] = readForwardBackwardOutput(moved).lossFnOutputs.map(({ logprobs }) => logprobs?.data);
      expect([a, b]).toEqual([values.subarray(0, 2), values.subarray(2)]);
      expect(a?.buffer).toBe(b?.buffer);
      return { isView: a?.buffer === moved.buffer, isAligned: (moved.byteOffset + place) % 4 === 0 };
    });
    expect(read.map(({ isView }) => isView)).toEqual(read.map(({ isAligned }) => isAligned));
    expect(read.filter(({ isView }) => isView)).toHaveLength(1);
  });

  it('reads integers beyond 32 bits as such', () => {
    const { lossFnOutputs } = read({
      lossFnOutputs: [
        {
          fields: {
            ids: {
              dtype: DType.DTYPE_INT64,
              data: new Uint8Array(BigInt64Array.of(-1n, 2n ** 31n).buffer),
              offsets: int64([0, 16]),
            },
          },
        },
      ],
    });
    expect(lossFnOutputs[0]?.ids?.data).toEqual(BigInt64Array.of(-1n, 2n ** 31n));
  });

  it('counts datums by the record, else by its first field', () => {
    const field = { dtype: DType.DTYPE_FLOAT32, offsets: int64([0, 0, 0, 0]) };
    expect(read({ lossFnOutputs: [{ fields: { x: field } }, { numDatums: 2n }] }).lossFnOutputs).toMatchObject([
      { x: { shape: [0] } },
      { x: { shape: [0] } },
      { x: { shape: [0] } },
      {},
      {},
    ]);
    expect(read({})).toEqual({ lossFnOutputType: 'ArrayRecord', lossFnOutputs: [], metrics: {} });
    const none = { dtype: DType.DTYPE_FLOAT32, offsets: int64([0, 0]), trailingShape: [0n] };
    expect(read({ lossFnOutputs: [{ fields: { x: none } }] }).lossFnOutputs[0]?.x?.shape).toEqual([0, 0]);
  });

  it('reads what a SkyRL server wrote', () => {
    const { forwardBackwardOutput } = JSON.parse(readFileSync('test/fixtures/proto/recorded.json', 'utf8')) as {
      forwardBackwardOutput: string;
    };
    const output = readForwardBackwardOutput(Buffer.from(forwardBackwardOutput, 'base64'));
    expect(output.lossFnOutputType).toBe('scalar');
    expect(output.metrics).toEqual({});
    expect(output.lossFnOutputs.map(({ logprobs }) => logprobs?.shape)).toEqual([[12], [9]]);
    const [first] = output.lossFnOutputs;
    // The weights of the first datum are 1, so that its loss is the negative logprob.
    expect(first?.elementwise_loss?.toArray()).toEqual(first?.logprobs?.toArray().map((logprob) => -logprob));
  });

  const float = (fields: object) => ({ lossFnOutputs: [{ fields: { x: { dtype: DType.DTYPE_FLOAT32, ...fields } } }] });
  it.each([
    [
      'data that end within an item',
      float({ data: new Uint8Array(5), offsets: int64([0, 4]) }),
      'items of 4 bytes in x',
    ],
    ['offsets beyond the data', float({ data: new Uint8Array(4), offsets: int64([0, 8]) }), 'got values 0 to 2'],
    ['offsets that go back', float({ data: new Uint8Array(8), offsets: int64([0, 8, 4]) }), 'got values 2 to 1'],
    ['offsets before the data', float({ data: new Uint8Array(8), offsets: int64([-4, 4]) }), 'got values -1 to 1'],
    ['offsets within an item', float({ data: new Uint8Array(8), offsets: int64([0, 2]) }), 'got values 0 to 0.5'],
    ['rows that do not fit', float({ data: new Uint8Array(12), offsets: int64([0, 12]), trailingShape: [2n] }), '[2]'],
    ['an unknown dtype', float({ dtype: 9 }), 'dtype 9'],
    [
      'fewer tensors than datums',
      { lossFnOutputs: [{ numDatums: 3n, fields: float({}).lossFnOutputs[0]?.fields }] },
      '3',
    ],
    ['datums without end', { lossFnOutputs: [{ numDatums: 2n ** 50n }] }, 'without any field'],
  ])('refuses %s', (_, output, message) => {
    expect(() => read(output as Output)).toThrow(TinkerError);
    expect(() => read(output as Output)).toThrow(message);
  });

  it('refuses bytes that are no such message', () => {
    for (const bytes of [Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0x7f), Uint8Array.of(7), Uint8Array.of(0x0a, 5, 1)]) {
      expect(() => readForwardBackwardOutput(bytes)).toThrow('it is no ForwardBackwardOutput');
    }
  });
});
