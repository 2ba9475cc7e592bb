import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ForwardBackwardRequest } from '../../../src/wire/codec.js';
import type { PreparedDatum } from '../../../src/wire/datum.js';
import { ModelInput } from '../../../src/wire/modelInput.js';
import type { ModelInputChunk } from '../../../src/wire/modelInputChunk.js';
import { forwardBackwardRequestBytes } from '../../../src/wire/proto/forwardBackwardRequestBytes.js';
import { SpareMemory } from '../../../src/wire/proto/spareMemory.js';
import { DType, ForwardBackwardRequestSchema, type Tensor } from '../../../src/wire/proto/tinker_public_pb.js';
import type { PreparedTensor } from '../../../src/wire/preparedTensor.js';
import type { ProvenanceSpan } from '../../../src/wire/provenance.js';
import { TensorData } from '../../../src/wire/tensorData.js';
import { passes } from './passes.js';

const decode = (request: ForwardBackwardRequest) =>
  fromBinary(ForwardBackwardRequestSchema, forwardBackwardRequestBytes(request));

function bytesOf(data: ArrayBufferView): Uint8Array {
  return Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

const int64Bytes = (data: Int32Array): Uint8Array => bytesOf(BigInt64Array.from(data, BigInt));

/** What the protocol says that a tensor is on the wire, by the platform's own conversions. */
function expectedTensor(tensor: PreparedTensor): Pick<Tensor, 'encoding' | 'dtype' | 'shape'> {
  const { dtype, shape, sparse } = tensor;
  const data = ArrayBuffer.isView(tensor.data)
    ? tensor.data
    : (dtype === 'float32' ? Float32Array : Int32Array).from(tensor.data);
  const values = data instanceof Int32Array ? int64Bytes(data) : bytesOf(data);
  return {
    encoding:
      sparse === undefined
        ? { case: 'dense', value: values }
        : {
            case: 'sparseCsr',
            value: expect.objectContaining({
              values,
              crowIndices: int64Bytes(sparse.crowIndices),
              colIndices: int64Bytes(sparse.colIndices),
            }) as never,
          },
    dtype: data instanceof Float32Array ? DType.DTYPE_FLOAT32 : DType.DTYPE_INT64,
    shape: shape.map(BigInt),
  };
}

function expectedChunk(chunk: ModelInputChunk): object {
  if (chunk.type === 'encoded_text') return { case: 'encodedText', value: { tokens: bytesOf(chunk.tokens) } };
  if (chunk.type === 'dmel') return { case: 'dmel', value: { dmel: chunk.dmel } };
  const { type, ...value } = chunk;
  return { case: type, value };
}

function expectedSpan({ from, sequenceId, offset = 0, length }: ProvenanceSpan): object {
  return {
    case: from === 'prompt' ? 'promptTokens' : 'sampledTokens',
    value: { sequenceId, offset: BigInt(offset), length: BigInt(length) },
  };
}

describe('forwardBackwardRequestBytes', () => {
  it('writes what the generated code reads', () => {
    fc.assert(
      fc.property(passes, (request) => {
        const message = decode(request);
        const { modelId, seqId, loss, forwardOnly } = request;
        expect(message).toMatchObject({ modelId, seqId, lossFn: loss, forwardOnly });
        expect(message.$unknown).toBeUndefined();
        const config = Object.entries(request.lossConfig);
        const numbers = config.filter(([, value]) => typeof value === 'number');
        expect(Object.entries(message.lossFnConfig)).toEqual(expect.arrayContaining(numbers));
        expect(Object.keys(message.lossFnConfig)).toHaveLength(numbers.length);
        expect(
          Object.fromEntries(Object.entries(message.lossFnConfigV2).map(([name, { value }]) => [name, value.value])),
        ).toEqual(Object.fromEntries(config));
        expect(message.data).toHaveLength(request.data.length);
        message.data.forEach((datum, index) => {
          const none: PreparedDatum = { modelInput: new ModelInput([]), lossFnInputs: {} };
          const { modelInput, lossFnInputs, provenance } = request.data[index] ?? none;
          expect(datum.modelInput.map(({ chunk }) => chunk)).toMatchObject(modelInput.chunks.map(expectedChunk));
          expect(datum.modelInputSpans.map(({ span }) => span)).toMatchObject(
            provenance?.modelInput.map(expectedSpan) ?? [],
          );
          expect(datum.lossFnInputSpans.map(({ span }) => span)).toMatchObject(
            provenance?.targetTokens.map(expectedSpan) ?? [],
          );
          expect(Object.keys(datum.lossFnInputs).sort()).toEqual(Object.keys(lossFnInputs).sort());
          for (const [name, tensor] of Object.entries(lossFnInputs)) {
            expect(datum.lossFnInputs[name]).toMatchObject(expectedTensor(tensor));
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it('writes the same into memory that is too small, or was used before', () => {
    const memories = fc.record({ size: fc.nat({ max: 2000 }), offset: fc.nat({ max: 7 }), fill: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(passes, memories, (request, { size, offset, fill }) => {
        const memory = new SpareMemory();
        memory.take = () => new Uint8Array(offset + size).fill(fill).subarray(offset);
        expect(forwardBackwardRequestBytes(request, memory)).toEqual(forwardBackwardRequestBytes(request));
      }),
      { numRuns: 200 },
    );
  });

  it('writes arrays that lie anywhere in memory, and sizes beyond one and two bytes', () => {
    const memory = new ArrayBuffer(4 * 40_000 + 4);
    const weights = new Float32Array(memory, 4, 40_000).fill(0.25);
    const tokens = Int32Array.from({ length: 70_000 }, (_, i) => i).subarray(1, 69_000);
    const message = decode({
      modelId: 'm',
      seqId: 2 ** 31 - 1,
      data: [
        {
          modelInput: ModelInput.fromTokens(tokens),
          lossFnInputs: { weights: new TensorData(weights, [200, 200]) },
        },
      ],
      loss: 'cross_entropy',
      lossConfig: {},
      forwardOnly: false,
    });
    const [datum] = message.data;
    const { encoding, shape } = datum?.lossFnInputs.weights ?? {};
    expect(shape).toEqual([200n, 200n]);
    expect(encoding?.case === 'dense' && Buffer.compare(encoding.value, bytesOf(weights))).toBe(0);
    const text = datum?.modelInput[0]?.chunk;
    expect(text?.case === 'encodedText' && Buffer.compare(text.value.tokens, bytesOf(tokens))).toBe(0);
  });

  it('writes names that take more room than was put aside for them', () => {
    const [name, sequenceId] = ['ä'.repeat(3000), 'x'.repeat(70_000)];
    const span = { from: 'sample', sequenceId, length: 1 } as const;
    const datum = {
      modelInput: ModelInput.fromTokens([1]),
      lossFnInputs: { [name]: new TensorData(Int32Array.of(-1)), weights: new TensorData(Float32Array.of(0.5)) },
      provenance: { modelInput: [span], targetTokens: [span] },
    };
    const request = { modelId: 'm', seqId: 1, loss: 'cross_entropy', lossConfig: { [name]: name }, forwardOnly: false };
    const message = decode({ ...request, loss: 'cross_entropy', data: [datum, datum] });
    expect(message.lossFnConfigV2[name]?.value.value).toBe(name);
    expect(message.data).toHaveLength(2);
    for (const { lossFnInputs, lossFnInputSpans } of message.data) {
      expect(lossFnInputs[name]).toMatchObject(expectedTensor(new TensorData(Int32Array.of(-1))));
      expect(lossFnInputs.weights).toMatchObject(expectedTensor(new TensorData(Float32Array.of(0.5))));
      expect(lossFnInputSpans.map(({ span: sent }) => sent)).toMatchObject([expectedSpan(span)]);
    }
  });

  it('writes the bytes that the Python SDK wrote', () => {
    const recorded = JSON.parse(readFileSync('test/fixtures/proto/recorded.json', 'utf8')) as {
      forwardBackwardRequest: Record<'forwardOnly' | 'withGradient', string>;
    };
    const run = (start: number, step: number, length: number): Int32Array =>
      Int32Array.from({ length }, (_, index) => start + step * index);
    const datum = (start: number, weights: number[]) => ({
      modelInput: ModelInput.fromTokens(run(start, 7, weights.length)),
      lossFnInputs: {
        target_tokens: new TensorData(run(start + 7, 7, weights.length)),
        weights: new TensorData(Float32Array.from(weights)),
      },
    });
    const pass = {
      modelId: 'model_b83c336f',
      data: [datum(3, new Array<number>(12).fill(1)), datum(100, [0, 0, 0, 0, 1, 1, 1, 1, 1])],
      loss: 'cross_entropy',
      lossConfig: {},
    } as const;
    const base64 = (request: ForwardBackwardRequest): string =>
      Buffer.from(forwardBackwardRequestBytes(request)).toString('base64');
    expect(base64({ ...pass, seqId: 1, forwardOnly: true })).toBe(recorded.forwardBackwardRequest.forwardOnly);
    expect(base64({ ...pass, seqId: 2, forwardOnly: false })).toBe(recorded.forwardBackwardRequest.withGradient);
  });
});
