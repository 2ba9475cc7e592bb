import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeForwardBackwardOutput, encodeForwardBackward, sampleOutputDecoder } from '../../src/wire/codec.js';
import type { PreparedDatum } from '../../src/wire/datum.js';
import { ModelInput } from '../../src/wire/modelInput.js';
import {
  ForwardBackwardOutputSchema,
  ForwardBackwardRequestSchema,
  SampleResponseSchema,
} from '../../src/wire/proto/tinker_public_pb.js';
import { TensorData } from '../../src/wire/tensorData.js';

const token = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const datum = fc.record({
  tokens: fc.array(token),
  weights: fc.array(float),
  wide: fc.array(fc.bigInt(-(2n ** 53n), 2n ** 53n)),
});

function prepared(given: { tokens: number[]; weights: number[]; wide: bigint[] }): PreparedDatum {
  return {
    modelInput: ModelInput.fromTokens(given.tokens),
    lossFnInputs: {
      weights: new TensorData(Float32Array.from(given.weights)),
      'odd "name"': new TensorData(BigInt64Array.from(given.wide), [given.wide.length, 1]),
    },
  };
}

describe('encodeForwardBackward', () => {
  it('writes JSON that reads back as the same numbers', () => {
    fc.assert(
      fc.property(fc.array(datum), (data) => {
        const { path, contentType, body } = encodeForwardBackward(
          {
            modelId: 'model "1"',
            seqId: 7,
            data: data.map(prepared),
            loss: 'ppo',
            lossConfig: { clip_low_threshold: 0.8 },
            forwardOnly: false,
          },
          'json',
        );
        expect([path, contentType]).toEqual(['/api/v1/forward_backward', 'application/json']);
        // JSON has one zero.
        const zero = (value: number) => value + 0;
        expect(JSON.parse(body as string)).toEqual({
          model_id: 'model "1"',
          seq_id: 7,
          forward_backward_input: {
            data: data.map(({ tokens, weights, wide }) => ({
              model_input: { chunks: [{ type: 'encoded_text', tokens }] },
              loss_fn_inputs: {
                weights: { data: weights.map(zero), dtype: 'float32', shape: [weights.length] },
                'odd "name"': { data: wide.map(Number), dtype: 'int64', shape: [wide.length, 1] },
              },
            })),
            loss_fn: 'ppo',
            loss_fn_config: { clip_low_threshold: 0.8 },
          },
        });
      }),
    );
  });

  it('sends a forward pass to its own endpoint and leaves an empty config out', () => {
    const data = [prepared({ tokens: [1], weights: [], wide: [] })];
    const encoded = encodeForwardBackward(
      {
        modelId: 'm',
        seqId: 1,
        data,
        loss: 'cross_entropy',
        lossConfig: {},
        forwardOnly: true,
      },
      'json',
    );
    expect(encoded.path).toBe('/api/v1/forward');
    const body = JSON.parse(encoded.body as string) as { forward_input: object };
    expect(Object.keys(body.forward_input)).toEqual(['data', 'loss_fn']);
  });
});

describe('decodeForwardBackwardOutput', () => {
  const decode = (json: unknown) => decodeForwardBackwardOutput({ kind: 'json', json });

  it('reads outputs straight into typed arrays', () => {
    fc.assert(
      fc.property(fc.array(fc.array(float)), (rows) => {
        const output = decode({
          loss_fn_output_type: 'scalar',
          loss_fn_outputs: rows.map((data) => ({ logprobs: { data, dtype: 'float32', shape: [data.length] } })),
          metrics: { 'loss:sum': 1.5 },
          something_new: true,
        });
        expect(output.lossFnOutputs.map(({ logprobs }) => logprobs?.data)).toEqual(
          rows.map((row) => Float32Array.from(row)),
        );
        expect(output).toMatchObject({ lossFnOutputType: 'scalar', metrics: { 'loss:sum': 1.5 } });
      }),
    );
  });

  it('reads what servers leave out or send as null', () => {
    const output = decode({
      loss_fn_outputs: [{ logprobs: { data: [null, -1], dtype: 'float32', shape: null } }],
      metrics: { 'x:mean': null },
    });
    expect(output.lossFnOutputType).toBe('ArrayRecord');
    expect(output.lossFnOutputs[0]?.logprobs).toMatchObject({ shape: [2], data: Float32Array.of(NaN, -1) });
    expect(output.metrics).toEqual({ 'x:mean': NaN });
    expect(decode({ loss_fn_outputs: [], metrics: null }).metrics).toEqual({});
  });

  it.each([
    [{ loss_fn_outputs: [{ logprobs: { data: [1, 'a'], dtype: 'float32' } }] }, 'got string at position 1'],
    [{ loss_fn_outputs: [{ x: { data: [1.5], dtype: 'int64' } }] }, 'loss_fn_outputs.0.x.data: Expected integer'],
    [{ loss_fn_outputs: [{ x: { data: [1], dtype: 'int64', shape: [2] } }] }, 'Expected a shape for 1 elements'],
    [{}, 'loss_fn_outputs:'],
    [null, 'the body:'],
  ])('names the field that is wrong: %#', (json, message) => {
    expect(() => decode(json)).toThrow(message);
    expect(() => decode(json)).toThrow('The answer of forward_backward does not have the expected shape');
  });
});

describe('the formats of a pass', () => {
  const request = {
    modelId: 'm',
    seqId: 3,
    data: [prepared({ tokens: [1, 2], weights: [1, 0.5], wide: [5n] })],
    loss: 'cross_entropy',
    lossConfig: {},
    forwardOnly: true,
  } as const;

  it('sends a forward pass in protobuf to forward_backward', () => {
    const encoded = encodeForwardBackward(request, 'protobuf');
    expect(encoded).toMatchObject({
      format: 'protobuf',
      path: '/api/v1/forward_backward',
      contentType: 'application/x-protobuf',
    });
    expect(fromBinary(ForwardBackwardRequestSchema, encoded.body as Uint8Array)).toMatchObject({
      modelId: 'm',
      forwardOnly: true,
    });
  });

  it('writes a sparse matrix with its indices, in JSON too', () => {
    const matrix = new TensorData(Float32Array.of(1, 2), [2, 3], {
      crowIndices: Int32Array.of(0, 1, 2),
      colIndices: Int32Array.of(2, 0),
    });
    const data = [{ modelInput: ModelInput.fromTokens([1, 2]), lossFnInputs: { weights: matrix } }];
    const { body } = encodeForwardBackward({ ...request, data, forwardOnly: false }, 'json');
    expect(JSON.parse(body as string)).toMatchObject({
      forward_backward_input: {
        data: [
          {
            loss_fn_inputs: {
              weights: {
                data: [1, 2],
                dtype: 'float32',
                shape: [2, 3],
                sparse_crow_indices: [0, 1, 2],
                sparse_col_indices: [2, 0],
              },
            },
          },
        ],
      },
    });
  });

  it('reads a result by the kind of body that came', () => {
    const bytes = toBinary(
      ForwardBackwardOutputSchema,
      create(ForwardBackwardOutputSchema, { metrics: { 'loss:sum': 2 } }),
    );
    expect(decodeForwardBackwardOutput({ kind: 'protobuf', bytes }).metrics).toEqual({ 'loss:sum': 2 });
    const sample = toBinary(SampleResponseSchema, create(SampleResponseSchema, { sequences: [{}] }));
    const read = sampleOutputDecoder(1);
    expect(read({ kind: 'protobuf', bytes: sample }).sequences).toHaveLength(1);
    expect(read({ kind: 'json', json: { sequences: [] } }).sequences).toEqual([]);
  });
});
