import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineTensor } from '../../../../src/local/engine/engine.js';
import { encodeResult } from '../../../../src/local/server/codec/encodeResult.js';
import type { OperationResult } from '../../../../src/local/server/operationResult.js';
import { decodeForwardBackwardOutput, sampleOutputDecoder } from '../../../../src/wire/codec.js';
import { readFutureAnswer, type ResultBody } from '../../../../src/wire/futureAnswer.js';

/** What a client is given that accepts these types. */
function received(result: OperationResult, accept?: string): ResultBody {
  const { status, headers, body } = encodeResult(result, accept);
  const answer = readFutureAnswer(status, headers, body);
  if (answer.type !== 'result') throw new Error(`Expected a result, got ${answer.type}.`);
  return answer.body;
}

const both = 'application/x-protobuf, application/json';
// JSON has one zero.
const float = fc.float({ noDefaultInfinity: true }).map((value) => value + 0);

const tensor: fc.Arbitrary<EngineTensor> = fc
  .tuple(fc.array(fc.tuple(float, float)), fc.boolean(), fc.boolean())
  .map(([rows, deep, integers]) => {
    const numbers = rows.flat();
    const data = integers ? Int32Array.from(numbers) : Float32Array.from(numbers);
    return { data, shape: deep ? [rows.length, 2] : [numbers.length] };
  });

const passResult = fc.record({
  outputs: fc.array(fc.record({ logprobs: tensor, elementwise_loss: tensor }, { requiredKeys: ['logprobs'] })),
  metrics: fc.dictionary(
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    {
      noNullPrototype: true,
    },
  ),
});

const sampleResult = fc.record({
  sequences: fc.array(
    fc.array(fc.tuple(fc.nat(), float), { minLength: 1 }).chain((drawn) =>
      fc.constantFrom('stop' as const, 'length' as const).map((stopReason) => ({
        tokens: Int32Array.from(drawn, ([token]) => token),
        logprobs: Float32Array.from(drawn, ([, logprob]) => logprob),
        stopReason,
      })),
    ),
  ),
  promptLogprobs: fc.array(float).map((values) => Float32Array.from(values)),
});

/** As many rows of likeliest tokens as there are logprobs. */
const topOf = (rows: number, width: number) => ({
  tokens: Int32Array.from({ length: rows * width }, (_, at) => at),
  logprobs: Float32Array.from({ length: rows * width }, (_, at) => -1 - at),
  width,
});

describe('encodeResult', () => {
  it('tells of a pass the same in protobuf and in JSON', () => {
    fc.assert(
      fc.property(passResult, (output) => {
        const result: OperationResult = { kind: 'forward_backward', output };
        const read = (accept?: string) => decodeForwardBackwardOutput(received(result, accept));
        expect(received(result, both).kind).toBe('protobuf');
        expect(read(both)).toEqual(read());
        expect(read(both).lossFnOutputs).toHaveLength(output.outputs.length);
      }),
    );
  });

  it('tells of samples the same in protobuf and in JSON', () => {
    fc.assert(
      fc.property(sampleResult, fc.nat({ max: 20 }), fc.integer({ min: 1, max: 3 }), (drawn, skipped, width) => {
        const promptLength = drawn.promptLogprobs.length + 1;
        const firstPromptLogprob = 1 + Math.min(skipped, promptLength - 1);
        const promptTop = topOf(promptLength - 1, width);
        const output = { result: { ...drawn, promptTop, promptCacheHitTokens: skipped }, firstPromptLogprob };
        const result: OperationResult = { kind: 'sample', output };
        const read = (accept?: string) => sampleOutputDecoder(promptLength)(received(result, accept));
        expect(received(result, both).kind).toBe('protobuf');
        expect(read(both)).toEqual(read());
        expect(read()).toMatchObject({ promptCacheHitTokens: skipped });
      }),
    );
  });

  it('leaves out prompt logprobs that were not asked for', () => {
    const output = { result: { sequences: [], promptCacheHitTokens: 0 }, firstPromptLogprob: 1 };
    const read = received({ kind: 'sample', output }, both);
    expect(sampleOutputDecoder(3)(read)).toEqual({ sequences: [], promptCacheHitTokens: 0 });
  });

  it('writes other results as JSON, whatever is accepted', () => {
    expect(received({ kind: 'json', body: { path: 'x' } }, both)).toEqual({ kind: 'json', json: { path: 'x' } });
  });
});
