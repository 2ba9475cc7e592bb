import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/local/engine/safetensors.js';

const tensor = fc.tuple(fc.array(fc.nat(4), { maxLength: 3 }), fc.boolean(), fc.nat()).map(([shape, float, start]) => {
  const length = shape.reduce((product, size) => product * size, 1);
  const next = (_: unknown, i: number): number => (start + i) * 0.37;
  return { shape, data: float ? Float32Array.from({ length }, next) : Int32Array.from({ length }, next) };
});

describe('safetensors', () => {
  it('gives back what was written', () => {
    const names = fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__');
    fc.assert(
      fc.property(fc.dictionary(names, tensor), fc.dictionary(names, fc.string()), (tensors, metadata) => {
        const bytes = writeSafetensors({ tensors, metadata });
        const read = readSafetensors(bytes);
        expect(read.tensors).toEqual({ ...tensors });
        expect(read.metadata).toEqual({ ...metadata });
      }),
    );
  });

  it('reads what lies in the middle of a Node buffer', () => {
    const tensors = { a: { data: Float32Array.of(1, 2), shape: [2] } };
    const bytes = Buffer.concat([Buffer.alloc(3), writeSafetensors({ tensors, metadata: {} })]).subarray(3);
    expect(readSafetensors(bytes).tensors).toEqual(tensors);
  });

  it('starts as the format says: header length, JSON padded to 8 bytes, data', () => {
    const bytes = writeSafetensors({ tensors: { a: { data: Float32Array.of(1, 2), shape: [2] } }, metadata: {} });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    expect(header).toEqual({ __metadata__: {}, a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } });
    expect(new Float32Array(bytes.slice(8 + length).buffer)).toEqual(Float32Array.of(1, 2));
  });

  const file = (header: string, data = 0): Uint8Array => {
    const json = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + json.length + data);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    return bytes;
  };

  it.each([
    ['too short', new Uint8Array(3), 'expected at least 8 bytes, got 3 bytes'],
    ['a header beyond the end', new Uint8Array(8).fill(9), 'expected a header of'],
    ['no JSON', file('{'), 'expected a JSON header'],
    ['a list', file('[]'), 'expected a header that is an object'],
    ['another dtype', file('{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', 8), 'expected dtype F32, I32'],
    ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), 'expected a shape and offsets'],
    [
      'data missing',
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 4),
      'expected 8 bytes for tensor a',
    ],
    ['offsets that differ', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 8), 'expected 8 bytes'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'bad_request' }));
    expect(() => readSafetensors(bytes)).toThrow(message);
  });
});
