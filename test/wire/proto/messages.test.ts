import { type DescMessage, type MessageInitShape, create, equals, fromBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PassMessage, passMessage } from '../../../src/wire/proto/passMessage.js';
import { type SampleMessage, type TopkMessage, sampleMessage } from '../../../src/wire/proto/sampleMessage.js';
import { readMessage } from '../../../src/wire/proto/readMessage.js';
import { type TensorMessage, noTensor, tensorFields } from '../../../src/wire/proto/tensorMessage.js';
import {
  type DType,
  ForwardBackwardOutputSchema,
  SampleResponseSchema,
  type StopReason,
  type TensorSchema,
  type TopkLogprobsSchema,
} from '../../../src/wire/proto/tinker_public_pb.js';
import { bytes, double, entry, integer32, integer64, integers, message, someBytes, text } from './wireParts.js';

const tensor = message(someBytes(1), bytes(2, message(bytes(1), bytes(2), bytes(3))), integer32(3), integers(4));
const topk = message(bytes(1), bytes(2), integer32(3), integer32(4));
const sample = message(
  bytes(1, message(integer32(1), bytes(2), bytes(3), bytes(4, topk))),
  bytes(2),
  bytes(3, topk),
  integer32(4),
  bytes(5, tensor),
  bytes(6, message(bytes(1, tensor), bytes(2, tensor))),
);
const batch = message(bytes(1), bytes(2), integer32(3), integers(4));
const record = message(text(1), entry(2, bytes(2, batch)), integer64(3));
const pass = message(text(1), bytes(2, record), entry(3, double(2)));

type Shape<Schema extends DescMessage> = MessageInitShape<Schema>;

// Numbers of enums have 32 bits, and may be of a later version.
const dtypeOf = (value: number) => JSON.parse(String(value | 0)) as DType;
const stopReasonOf = (value: number) => JSON.parse(String(value | 0)) as StopReason;

function generatedTensor({ dense, sparse, dtype, shape }: TensorMessage): Shape<typeof TensorSchema> {
  return {
    ...(sparse !== undefined && { encoding: { case: 'sparseCsr', value: sparse } }),
    ...(sparse === undefined && dense.length > 0 && { encoding: { case: 'dense', value: dense } }),
    dtype: dtypeOf(dtype),
    shape: shape.map(BigInt),
  };
}

const generatedTopk = ({ k, length, ...arrays }: TopkMessage): Shape<typeof TopkLogprobsSchema> => ({
  ...arrays,
  k: k >>> 0,
  length: length >>> 0,
});

function generatedSample(ours: SampleMessage): Shape<typeof SampleResponseSchema> {
  const { sequences, topkPromptLogprobs, targetPromptLogprobs, promptAltTokens: alternatives } = ours;
  return {
    sequences: sequences.map(({ stopReason, tokens, logprobs, topkSampledLogprobs }) => ({
      stopReason: stopReasonOf(stopReason),
      tokens,
      ...(logprobs && { logprobs }),
      ...(topkSampledLogprobs && { topkSampledLogprobs: generatedTopk(topkSampledLogprobs) }),
    })),
    ...(ours.promptLogprobs && { promptLogprobs: ours.promptLogprobs }),
    ...(topkPromptLogprobs && { topkPromptLogprobs: generatedTopk(topkPromptLogprobs) }),
    promptCacheHitTokens: ours.promptCacheHitTokens | 0,
    ...(targetPromptLogprobs && { targetPromptLogprobs: generatedTensor(targetPromptLogprobs) }),
    ...(alternatives && {
      promptAltTokens: {
        ...(alternatives.tokens && { tokens: generatedTensor(alternatives.tokens) }),
        ...(alternatives.logprobs && { logprobs: generatedTensor(alternatives.logprobs) }),
      },
    }),
  };
}

function generatedPass({ lossFnOutputType, lossFnOutputs, metrics }: PassMessage) {
  return {
    lossFnOutputType,
    lossFnOutputs: lossFnOutputs.map(({ fields, numDatums }) => ({
      numDatums: BigInt(numDatums),
      fields: Object.fromEntries(
        Array.from(fields, ([name, { dtype, trailingShape, ...arrays }]) => [
          name,
          { ...arrays, dtype: dtypeOf(dtype), trailingShape: trailingShape.map(BigInt) },
        ]),
      ),
    })),
    metrics: Object.fromEntries(metrics),
  } satisfies Shape<typeof ForwardBackwardOutputSchema>;
}

function outcomeOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const ownSample = (wire: Uint8Array) => create(SampleResponseSchema, generatedSample(sampleMessage(wire)));
const theirSample = (wire: Uint8Array) => fromBinary(SampleResponseSchema, wire, { readUnknownFields: false });
const ownPass = (wire: Uint8Array) => create(ForwardBackwardOutputSchema, generatedPass(passMessage(wire)));

/** Ours leaves out the tag of a record, which is of no use. */
function theirPass(wire: Uint8Array) {
  const output = fromBinary(ForwardBackwardOutputSchema, wire, { readUnknownFields: false });
  for (const one of output.lossFnOutputs) one.typeTag = '';
  return output;
}

function isSameSample(wire: Uint8Array): boolean {
  const [own, theirs] = [outcomeOf(() => ownSample(wire)), outcomeOf(() => theirSample(wire))];
  return own === undefined || theirs === undefined ? own === theirs : equals(SampleResponseSchema, own, theirs);
}

function isSamePass(wire: Uint8Array): boolean {
  const [own, theirs] = [outcomeOf(() => ownPass(wire)), outcomeOf(() => theirPass(wire))];
  return own === undefined || theirs === undefined ? own === theirs : equals(ForwardBackwardOutputSchema, own, theirs);
}

const writer = (): BinaryWriter => new BinaryWriter();

describe('messages of answers', () => {
  it('read as the generated code reads them', () => {
    fc.assert(
      fc.property(sample, pass, (sampleWire, passWire) => {
        expect(ownSample(sampleWire)).toEqual(theirSample(sampleWire));
        expect(ownPass(passWire)).toEqual(theirPass(passWire));
      }),
      { numRuns: 300 },
    );
  });

  it('are refused as by the generated code where they are cut', () => {
    fc.assert(
      fc.property(sample, pass, fc.double({ min: 0, max: 1, noNaN: true }), (sampleWire, passWire, part) => {
        expect(isSameSample(sampleWire.subarray(0, part * sampleWire.length))).toBe(true);
        expect(isSamePass(passWire.subarray(0, part * passWire.length))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('are read as by the generated code, or refused, where they are damaged', () => {
    fc.assert(
      fc.property(sample, fc.nat(), fc.nat({ max: 255 }), (wire, at, byte) => {
        wire[at % Math.max(1, wire.length)] = byte;
        const own = outcomeOf(() => ownSample(wire));
        if (own !== undefined) expect(own).toEqual(theirSample(wire));
      }),
      { numRuns: 1000 },
    );
  });

  it('are read without a copy', () => {
    const wire = writer()
      .tag(2, WireType.LengthDelimited)
      .bytes(Uint8Array.of(1, 2, 3, 4))
      .finish();
    expect(sampleMessage(wire).promptLogprobs?.buffer).toBe(wire.buffer);
  });

  it('are refused with what is wrong in them', () => {
    const wires: [string, BinaryWriter][] = [
      ['field 4 has wire type 1 instead of 0', writer().tag(4, WireType.Bit64).double(1)],
      ['field 2 has wire type 0 instead of 2', writer().tag(2, WireType.Varint).int32(1)],
      ["wire type 3 can't be read", writer().tag(20, WireType.StartGroup).tag(20, WireType.EndGroup)],
      ["wire type 7 can't be read", writer().uint32((20 << 3) | 7)],
      ['7 is no tag of a field', writer().uint32(7)],
      ['ends within a value: 5 bytes expected, 1 left', writer().tag(2, WireType.LengthDelimited).uint32(5).uint32(1)],
      ['ends within a value: -1 bytes expected', writer().tag(2, WireType.LengthDelimited).int32(-1)],
      ['ends within a value: 8 bytes expected', writer().tag(20, WireType.Bit64).fixed32(1)],
      ['ends within a varint', writer().tag(4, WireType.Varint).raw(Uint8Array.of(0x80))],
      ['more than ten bytes', writer().tag(4, WireType.Varint).raw(new Uint8Array(10).fill(0x80)).uint32(1)],
      ['more than ten bytes', writer().tag(20, WireType.Varint).raw(new Uint8Array(10).fill(0x80)).uint32(1)],
      [
        'larger than 2⁵³',
        writer()
          .tag(4, WireType.Varint)
          .int64(2n ** 53n),
      ],
      [
        'larger than 2⁵³',
        writer()
          .tag(4, WireType.Varint)
          .int64(-(2n ** 63n)),
      ],
    ];
    for (const [problem, wire] of wires) expect(() => sampleMessage(wire.finish())).toThrow(problem);
    const badText = writer().tag(1, WireType.LengthDelimited).bytes(Uint8Array.of(0xff)).finish();
    expect(() => passMessage(badText)).toThrow();
  });

  it('hold integers of every size that a number holds', () => {
    const sizes = [0, 1, 127, 128, 2 ** 31, 2 ** 49 - 1, 2 ** 49, 2 ** 53 - 1].flatMap((size) => [size, -size]);
    const wire = writer().tag(4, WireType.LengthDelimited).fork();
    for (const size of sizes) wire.int64(size);
    expect(readMessage(wire.join().finish(), noTensor(), tensorFields).shape.map(String)).toEqual(
      sizes.map((size) => String(size)),
    );
  });
});
