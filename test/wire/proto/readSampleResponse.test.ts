import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSampleResponse } from '../../../src/wire/proto/readSampleResponse.js';
import { DType, SampleResponseSchema, StopReason } from '../../../src/wire/proto/tinker_public_pb.js';
import { atOffset, int64 } from './bytes.js';

type Response = MessageInitShape<typeof SampleResponseSchema>;
const encode = (response: Response): Uint8Array =>
  toBinary(SampleResponseSchema, create(SampleResponseSchema, response));
const read = (response: Response, promptLength = 3) => readSampleResponse(encode(response), promptLength);
const int32 = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const float32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** A reason that is not known yet. */
const later: StopReason = JSON.parse('7') as StopReason;

const sequence = fc.record({
  tokens: fc.array(fc.integer()),
  logprobs: fc.array(fc.float()),
  reason: fc.constantFrom(
    { wire: StopReason.STOP, name: 'stop' },
    { wire: StopReason.LENGTH, name: 'length' },
    { wire: later, name: 'unknown' },
  ),
});

describe('readSampleResponse', () => {
  it('reads sequences and prompt logprobs wherever they lie in memory', () => {
    fc.assert(
      fc.property(
        fc.array(sequence),
        fc.array(fc.float(), { minLength: 1 }),
        fc.integer({ min: 0, max: 3 }),
        (sequences, promptLogprobs, offset) => {
          const bytes = encode({
            sequences: sequences.map(({ tokens, logprobs, reason }) => ({
              tokens: int32(...tokens),
              logprobs: float32(...logprobs),
              stopReason: reason.wire,
            })),
            promptLogprobs: float32(...promptLogprobs),
          });
          expect(readSampleResponse(atOffset(bytes, offset), promptLogprobs.length)).toEqual({
            sequences: sequences.map(({ tokens, logprobs, reason }) => ({
              tokens: Int32Array.from(tokens),
              ...(logprobs.length > 0 && { logprobs: Float32Array.from(logprobs) }),
              stopReason: reason.name,
            })),
            promptLogprobs: Float32Array.from(promptLogprobs),
            promptCacheHitTokens: 0,
          });
        },
      ),
    );
  });

  it('puts NaN before the logprobs of a prompt whose first token was left out', () => {
    expect(read({ promptLogprobs: float32(-1, -2) }, 3).promptLogprobs).toEqual(Float32Array.of(NaN, -1, -2));
  });

  it('reads an empty field as none', () => {
    const response = read({ promptLogprobs: float32(), topkPromptLogprobs: { k: 2, length: 0 } });
    expect(response).toEqual({ sequences: [], promptCacheHitTokens: 0 });
  });

  it('reads rows of candidates, and a marked row as none', () => {
    const topk = { tokenIds: int32(0, 0, 5, 6), logprobs: float32(-99999, 0, -1, -2), k: 2, length: 2 };
    const rows = [
      [],
      [
        { token: 5, logprob: -1 },
        { token: 6, logprob: -2 },
      ],
    ];
    const response = read({ topkPromptLogprobs: topk, sequences: [{ topkSampledLogprobs: topk }] });
    expect(response.topkPromptLogprobs).toEqual(rows);
    expect(response.sequences[0]?.topkSampledLogprobs).toEqual(rows);
    expect(() => read({ topkPromptLogprobs: { ...topk, k: 3 } })).toThrow('expected 2 rows of 3');
  });

  it('reads target logprobs in the layout in which they come', () => {
    const dense = { encoding: { case: 'dense' as const, value: float32(-1, 0, -2, -3) }, dtype: DType.DTYPE_FLOAT32 };
    expect(read({ targetPromptLogprobs: { ...dense, shape: [2n, 2n] } }).targetPromptLogprobs).toMatchObject({
      data: Float32Array.of(-1, 0, -2, -3),
      shape: [2, 2],
    });
    const csr = { values: float32(-1, -2, -3), crowIndices: int64([0, 1, 3]), colIndices: int64([0, 0, 1]) };
    const sparse = {
      encoding: { case: 'sparseCsr' as const, value: csr },
      dtype: DType.DTYPE_FLOAT32,
      shape: [2n, 2n],
    };
    const targets = read({ targetPromptLogprobs: sparse }).targetPromptLogprobs;
    expect(targets?.sparse).toEqual({ crowIndices: Int32Array.of(0, 1, 3), colIndices: Int32Array.of(0, 0, 1) });
    expect(targets?.toArray()).toEqual([-1, 0, -2, -3]);
    expect(() => read({ targetPromptLogprobs: { ...dense, shape: [5n] } })).toThrow('a shape for 4 elements');
    const beyond = { ...csr, colIndices: int64([0, 0, 2]) };
    expect(() => read({ targetPromptLogprobs: { ...sparse, encoding: { case: 'sparseCsr', value: beyond } } })).toThrow(
      'a column below 2',
    );
  });

  it('reads alternatives to the tokens of the prompt', () => {
    const tensor = (value: Uint8Array, dtype: DType) => ({
      encoding: { case: 'dense' as const, value },
      dtype,
      shape: [2n, 1n],
    });
    const { promptAltTokens } = read({
      promptAltTokens: {
        tokens: tensor(int32(4, 5), DType.DTYPE_INT32),
        logprobs: tensor(float32(-1, -2), DType.DTYPE_FLOAT32),
      },
    });
    expect(promptAltTokens?.tokens).toMatchObject({ data: Int32Array.of(4, 5), shape: [2, 1] });
    expect(promptAltTokens?.logprobs.data).toEqual(Float32Array.of(-1, -2));
  });

  it('reads what a SkyRL server wrote', () => {
    const { sampleResponse } = JSON.parse(readFileSync('test/fixtures/proto/recorded.json', 'utf8')) as {
      sampleResponse: Record<'twoSequences' | 'withPromptLogprobs', string>;
    };
    const two = readSampleResponse(Buffer.from(sampleResponse.twoSequences, 'base64'), 5);
    expect(
      two.sequences.map(({ tokens, logprobs, stopReason }) => [tokens.length, logprobs?.length, stopReason]),
    ).toEqual([
      [8, 8, 'length'],
      [8, 8, 'length'],
    ]);
    expect(two.promptLogprobs).toBeUndefined();
    const scored = readSampleResponse(Buffer.from(sampleResponse.withPromptLogprobs, 'base64'), 5);
    expect(scored.sequences[0]?.tokens).toEqual(Int32Array.of(5, 5, 5));
    expect(scored.promptLogprobs).toHaveLength(5);
    expect(scored.promptLogprobs?.[0]).toBeNaN();
  });

  it('refuses bytes that are no such message', () => {
    expect(() => readSampleResponse(Uint8Array.of(0x0a, 9), 1)).toThrow('it is no SampleResponse');
    expect(() => read({ sequences: [{ tokens: new Uint8Array(3) }] })).toThrow('the tokens of sequence 0');
  });
});
