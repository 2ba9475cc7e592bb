import { beforeEach, describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import type { EncodedRequest, ForwardBackwardRequest } from '../../src/wire/codec.js';
import { ModelInput } from '../../src/wire/modelInput.js';
import { SpareMemory } from '../../src/wire/proto/spareMemory.js';
import { WireFormat } from '../../src/wire/wireFormat.js';

const request: ForwardBackwardRequest = {
  modelId: 'm',
  seqId: 1,
  data: [{ modelInput: ModelInput.fromTokens([1]), lossFnInputs: {} }],
  loss: 'cross_entropy',
  lossConfig: {},
  forwardOnly: false,
};
const error = (status: number): TinkerError =>
  new TinkerError('bad_request', `Answer ${status}.`, { details: { status } });

describe('WireFormat', () => {
  let lines: string[];
  let wireFormat: WireFormat;
  beforeEach(() => {
    lines = [];
    wireFormat = new WireFormat({ debug: (line) => lines.push(line) });
  });
  const next = (): string => wireFormat.encode(request).format;

  it('starts with protobuf and stays with it once the server took it', () => {
    const encoded = wireFormat.encode(request);
    expect(encoded.format).toBe('protobuf');
    wireFormat.accepted(encoded);
    wireFormat.accepted(encoded);
    expect(wireFormat.refused(encoded, error(422))).toBe(false);
    expect(next()).toBe('protobuf');
    expect(lines).toEqual(['Passes are sent as protobuf: the server accepted the first one.']);
  });

  it('writes into the memory of a body that was taken, never of one that is under way or was refused', () => {
    const tokens = new Int32Array(40_000);
    const large = { ...request, data: [{ modelInput: ModelInput.fromTokens(tokens), lossFnInputs: {} }] };
    const reusing = new WireFormat({ debug: () => undefined }, undefined, new SpareMemory());
    const bufferOf = (format: WireFormat): [EncodedRequest, ArrayBuffer] => {
      const encoded = format.encode(large);
      if (typeof encoded.body === 'string') throw new Error('it is JSON');
      return [encoded, encoded.body.buffer];
    };
    const [first, memory] = bufferOf(reusing);
    const [second, other] = bufferOf(reusing);
    expect(other).not.toBe(memory);
    reusing.accepted(first);
    reusing.refused(second, error(400));
    expect(bufferOf(reusing)[1]).toBe(memory);
    expect([memory, other]).not.toContain(bufferOf(reusing)[1]);
    // Without memory of its own none is used again.
    const [plain, kept] = bufferOf(wireFormat);
    wireFormat.accepted(plain);
    expect(bufferOf(wireFormat)[1]).not.toBe(kept);
  });

  it('switches for good on 415, whenever it comes', () => {
    const encoded = wireFormat.encode(request);
    wireFormat.accepted(encoded);
    expect(wireFormat.refused(encoded, error(415))).toBe(true);
    expect(next()).toBe('json');
    expect(lines[1]).toContain('the server reads no protobuf (Answer 415.)');
  });

  it.each([400, 422])('tries JSON after a first %i and switches only if that is accepted', (status) => {
    const encoded = wireFormat.encode(request);
    expect(wireFormat.refused(encoded, error(status))).toBe(true);
    expect(next()).toBe('protobuf');
    const json = wireFormat.encode(request, 'json');
    expect(wireFormat.refused(json, error(status))).toBe(false);
    expect(next()).toBe('protobuf');
    wireFormat.accepted(json);
    expect(next()).toBe('json');
    expect(lines.at(-1)).toBe('Passes are sent as JSON: the server accepted the first one.');
  });

  it.each([401, 404, 409, 429, 500])('does not take a %i for a matter of format', (status) => {
    expect(wireFormat.refused(wireFormat.encode(request), error(status))).toBe(false);
    expect(lines).toEqual([]);
  });
});
