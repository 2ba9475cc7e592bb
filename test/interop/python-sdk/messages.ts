import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  DType,
  ForwardBackwardOutputSchema,
  SampleResponseSchema,
  StopReason,
  type TensorSchema,
  type TopkLogprobsSchema,
} from '../../../src/wire/proto/tinker_public_pb.js';

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const int64 = (values: readonly number[]): Uint8Array => bytesOf(BigInt64Array.from(values, BigInt));
const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((each) => Uint8Array.from(each));

/** Any bits are a number: NaN with any payload, infinities, and zeros of both signs among them. */
const kinds = [
  { dtype: DType.DTYPE_FLOAT32, size: 4 },
  { dtype: DType.DTYPE_BFLOAT16, size: 2 },
  { dtype: DType.DTYPE_INT32, size: 4 },
  { dtype: DType.DTYPE_INT64, size: 8 },
];

/** Records of datums with fields of any lengths: scalars a row, and rows of two. */
const record = fc
  .tuple(fc.constantFrom(...kinds), fc.array(fc.tuple(fc.nat(4), fc.nat(3)), { maxLength: 4 }))
  .chain(([{ dtype, size }, lengths]) => {
    const field = (counts: readonly number[], trailingShape: bigint[]) => {
      const offsets = [
        0,
        ...counts.map((_, index) => size * counts.slice(0, index + 1).reduce((sum, n) => sum + n, 0)),
      ];
      return bytes(offsets.at(-1) ?? 0).map((data) => ({ dtype, data, offsets: int64(offsets), trailingShape }));
    };
    const logprobs = field(
      lengths.map(([n]) => n),
      [],
    );
    const rows = field(
      lengths.map(([, n]) => 2 * n),
      [2n],
    );
    return fc.record({ numDatums: fc.constant(BigInt(lengths.length)), fields: fc.record({ logprobs, rows }) });
  });

/** Results of passes, as protobuf. */
export const outputs: fc.Arbitrary<Uint8Array> = fc
  .record({
    lossFnOutputType: fc.constantFrom('losses:ArrayRecord', 'ArrayRecord'),
    lossFnOutputs: fc.array(record, { maxLength: 3 }),
    metrics: fc.dictionary(
      fc.string().map((name) => `${name}:sum`),
      fc.double(),
      { maxKeys: 4, noNullPrototype: true },
    ),
  })
  .map((output) => {
    // Without data the SDK keeps the module in front of the type, which tells nobody anything.
    const lossFnOutputType = output.lossFnOutputs.length === 0 ? 'ArrayRecord' : output.lossFnOutputType;
    return toBinary(ForwardBackwardOutputSchema, create(ForwardBackwardOutputSchema, { ...output, lossFnOutputType }));
  });

type Topk = MessageInitShape<typeof TopkLogprobsSchema>;
const topk: fc.Arbitrary<Topk> = fc.tuple(fc.nat(3), fc.nat(4)).chain(([k, length]) =>
  // The first byte keeps a token from being 0, which together with −99999 stands for none.
  fc.tuple(bytes(4 * k * length), bytes(4 * k * length)).map(([tokenIds, logprobs]) => ({
    tokenIds: tokenIds.map((byte, at) => (at % 4 === 0 ? byte | 1 : byte)),
    logprobs,
    k,
    length,
  })),
);

type Tensor = MessageInitShape<typeof TensorSchema>;
const matrix = (dtype: DType): fc.Arbitrary<Tensor> =>
  fc.tuple(fc.nat(4), fc.nat(3)).chain(([height, width]) =>
    bytes(4 * height * width).map((value) => ({
      encoding: { case: 'dense' as const, value },
      dtype,
      shape: [BigInt(height), BigInt(width)],
    })),
  );

const sparse: fc.Arbitrary<Tensor> = fc
  .array(fc.uniqueArray(fc.nat(5), { maxLength: 3 }), { maxLength: 4 })
  .chain((columns) =>
    bytes(4 * columns.flat().length).map((values) => ({
      encoding: {
        case: 'sparseCsr' as const,
        value: {
          values,
          crowIndices: int64([0, ...columns.map((_, row) => columns.slice(0, row + 1).flat().length)]),
          colIndices: int64(columns.flat()),
        },
      },
      dtype: DType.DTYPE_FLOAT32,
      shape: [BigInt(columns.length), 6n],
    })),
  );

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const floats = fc.nat(5).chain((length) => bytes(4 * length));

/** Results of samples, as protobuf. */
export const samples: fc.Arbitrary<Uint8Array> = fc
  .record({
    sequences: fc.array(
      fc.record({
        stopReason: fc.constantFrom(StopReason.STOP, StopReason.LENGTH),
        tokens: floats,
        logprobs: maybe(floats),
        topkSampledLogprobs: maybe(topk),
      }),
      { maxLength: 3 },
    ),
    promptLogprobs: maybe(floats),
    topkPromptLogprobs: maybe(topk),
    targetPromptLogprobs: maybe(fc.oneof(matrix(DType.DTYPE_FLOAT32), sparse)),
    promptAltTokens: maybe(fc.record({ tokens: matrix(DType.DTYPE_INT32), logprobs: matrix(DType.DTYPE_FLOAT32) })),
    promptCacheHitTokens: fc.nat(2 ** 31 - 1),
  })
  .map((response) => {
    const given = Object.fromEntries(Object.entries(response).filter(([, value]) => value !== undefined));
    return toBinary(
      SampleResponseSchema,
      create(SampleResponseSchema, given as MessageInitShape<typeof SampleResponseSchema>),
    );
  });
