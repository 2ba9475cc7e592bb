import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forwardBackwardBody } from '../../../../src/local/server/codec/forwardBackwardBody.js';
import { encodeForwardBackward, type ForwardBackwardRequest } from '../../../../src/wire/codec.js';
import { DType, ForwardBackwardRequestSchema, TensorSchema } from '../../../../src/wire/proto/tinker_public_pb.js';
import { passes } from './passes.js';

type Pass = MessageInitShape<typeof ForwardBackwardRequestSchema>;

const protobufBody = (body: Uint8Array, backward = true) =>
  forwardBackwardBody(
    {
      method: 'POST',
      path: '/api/v1/forward_backward',
      headers: { 'content-type': 'application/x-protobuf' },
      body,
    },
    backward,
  );
const encode = (pass: Pass): Uint8Array =>
  toBinary(ForwardBackwardRequestSchema, create(ForwardBackwardRequestSchema, pass));

function readAs(request: ForwardBackwardRequest, format: 'json' | 'protobuf') {
  const { path, contentType, body } = encodeForwardBackward(request, format);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const headers = { 'content-type': contentType };
  const read = forwardBackwardBody({ method: 'POST', path, headers, body: bytes }, path.endsWith('forward_backward'));
  const { model_id, seq_id } = read.ids as { model_id: string; seq_id: number };
  return { model_id, seq_id, job: read.read() };
}

const int32 = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const int64 = (...values: number[]): Uint8Array => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
const text = (...tokens: number[]) => [
  { chunk: { case: 'encodedText' as const, value: { tokens: int32(...tokens) } } },
];

function withTensor(weights: MessageInitShape<typeof TensorSchema>): Uint8Array {
  const datum = { modelInput: text(1, 2), lossFnInputs: { weights } };
  return encode({ modelId: 'm', seqId: 1, data: [datum], lossFn: 'ppo' });
}

describe('a pass as protobuf', () => {
  it('reads to the same job as its JSON', () => {
    fc.assert(
      fc.property(passes, (request) => {
        expect(readAs(request, 'protobuf')).toEqual(readAs(request, 'json'));
      }),
      { numRuns: 300 },
    );
  });

  it('reads integers and floats of every width', () => {
    const tensors = {
      a: { encoding: { case: 'dense' as const, value: int32(-1, 7) }, dtype: DType.DTYPE_INT32, shape: [2n] },
      b: { encoding: { case: 'dense' as const, value: int64(-1, 7) }, dtype: DType.DTYPE_INT64 },
      c: {
        encoding: { case: 'dense' as const, value: Uint8Array.of(0x80, 0x3f, 0x20, 0xc0) },
        dtype: DType.DTYPE_BFLOAT16,
        shape: [2n, 1n],
      },
    };
    const { inputs } =
      protobufBody(encode({ data: [{ modelInput: text(1), lossFnInputs: tensors }] })).read().data[0] ?? {};
    expect(inputs).toEqual({
      a: { data: Int32Array.of(-1, 7), shape: [2] },
      b: { data: Int32Array.of(-1, 7), shape: [2] },
      c: { data: Float32Array.of(1, -2.5), shape: [2, 1] },
    });
  });

  it('prefers the newer map of the configuration, and falls back to the older one', () => {
    const older = { lossFnConfig: { beta: 1 } };
    const config = (pass: Pass) => protobufBody(encode(pass)).read().config;
    expect(config(older)).toEqual({ beta: 1 });
    expect(
      config({
        ...older,
        lossFnConfigV2: { beta: { value: { case: 'number', value: 2 } }, id: { value: { case: 'text', value: 'x' } } },
      }),
    ).toEqual({ beta: 2, id: 'x' });
  });

  it('takes no gradient where the path or the message says so', () => {
    const backward = (path: boolean, forwardOnly: boolean): boolean =>
      protobufBody(encode({ forwardOnly }), path).read().backward;
    expect([backward(true, false), backward(true, true), backward(false, false)]).toEqual([true, false, false]);
  });

  it('skips fields that it does not know', () => {
    const unknown = Uint8Array.of(0x78, 1, 0x82, 1, 2, 9, 9);
    const body = Uint8Array.from([...encode({ modelId: 'm', seqId: 4, lossFn: 'ppo' }), ...unknown]);
    expect(protobufBody(body).ids).toEqual({ model_id: 'm', seq_id: 4 });
    expect(protobufBody(body).read().loss).toBe('ppo');
  });

  it('tells whose pass it is where only the rest is broken', () => {
    const body = encode({ modelId: 'm', seqId: 4, data: [{ modelInput: text(1, 2, 3) }], lossFn: 'ppo' });
    const cut = body.subarray(0, body.length - 8);
    expect(protobufBody(cut).ids).toEqual({ model_id: 'm', seq_id: 4 });
    expect(() => protobufBody(cut).read()).toThrow('body: Expected a protobuf message of the protocol');
    expect(() => protobufBody(body.subarray(0, 2)).ids).toThrow('Expected a protobuf message');
  });

  const dense = (value: Uint8Array, more: object = {}) =>
    withTensor({ encoding: { case: 'dense', value }, dtype: DType.DTYPE_FLOAT32, ...more });
  const sparse = (shape: bigint[], rows: number[], columns: number[]) =>
    withTensor({
      encoding: {
        case: 'sparseCsr',
        value: { values: int32(1, 2), crowIndices: int64(...rows), colIndices: int64(...columns) },
      },
      dtype: DType.DTYPE_FLOAT32,
      shape,
    });
  const image = { chunk: { case: 'image' as const, value: { format: 'png' } } };
  it.each([
    ['values cut short', dense(new Uint8Array(7)), 'values of 4 bytes each, got 7'],
    [
      'another size than the shape says',
      dense(new Uint8Array(8), { shape: [3n] }),
      'Expected 3 values for shape [3], got 2',
    ],
    ['a negative size', dense(new Uint8Array(), { shape: [-1n] }), 'sizes from 0 on, got -1'],
    ['too many dimensions', dense(int32(1), { shape: new Array<bigint>(9).fill(1n) }), 'Expected up to 8 sizes'],
    ['no dtype', dense(int32(1), { dtype: 0 }), 'got number 0'],
    [
      'an integer beyond 32 bits',
      dense(int64(1, 2 ** 40), { dtype: DType.DTYPE_INT64 }),
      'data.1: Expected an integer',
    ],
    ['rows that do not add up', sparse([2n, 2n], [0, 1, 3], [0, 1]), 'Expected a sparse tensor'],
    ['rows that begin late', sparse([2n, 2n], [1, 1, 2], [0, 1]), 'Expected a sparse tensor'],
    ['columns outside', sparse([2n, 2n], [0, 1, 2], [0, 2]), 'Expected a sparse tensor'],
    ['one dimension', sparse([2n], [0, 1, 2], [0, 1]), 'Expected a sparse tensor'],
    [
      'a negative token',
      encode({ data: [{ modelInput: text(3, -1) }] }),
      'tokens.1: Expected a token from 0 on, got -1',
    ],
    ['no tokens', encode({ data: [{}] }), 'Expected at least one token'],
    ['an image', encode({ data: [{ modelInput: [image] }] }), 'got "image"'],
    ['text that is no UTF-8', Uint8Array.of(0x22, 1, 0xff), 'Expected a protobuf message'],
    ['a field of another type', Uint8Array.of(0x18, 1), 'field 3 has wire type 0'],
    ['a length beyond the end', Uint8Array.of(0x1a, 0xff, 0xff, 0xff, 0xff, 0x07), 'Expected a protobuf message'],
    ['a message cut short', dense(int32(1)).subarray(0, -1), 'Expected a protobuf message'],
  ])('is refused with %s', (_, body, message) => {
    expect(() => protobufBody(body).read()).toThrow(expect.objectContaining({ details: { status: 400 } }) as Error);
    expect(() => protobufBody(body).read()).toThrow(message);
  });

  it.each([
    ['a matrix of 2⁴⁰ columns', sparse([2n, 2n ** 40n], [0, 1, 2], [0, 1])],
    ['300,000 empty examples', encode({ data: Array.from({ length: 300_000 }, () => ({ modelInput: text(1) })) })],
    ['300,000 empty chunks', encode({ data: [{ modelInput: Array.from({ length: 300_000 }, () => ({})) }] })],
  ])('is refused with 413 before it takes memory: %s', (_, body) => {
    expect(() => protobufBody(body).read()).toThrow(expect.objectContaining({ details: { status: 413 } }) as Error);
  });
});
