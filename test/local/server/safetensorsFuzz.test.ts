import { expect, it } from 'vitest';
import { TinkerError } from '../../../src/errors.js';
import { readSafetensors, writeSafetensors } from '../../../src/local/engine/safetensors.js';
import { seededRandom } from '../../../operators/seededRandom.js';
import { mutate } from './codec/mutate.js';

const runs = 5000;

it('reads a mutated file of weights as tensors that fit their shapes, or says what is wrong with it', () => {
  const random = seededRandom(5);
  const file = writeSafetensors({
    tensors: {
      a: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
      b: { data: Int32Array.of(7), shape: [] },
      c: { data: new Float32Array(), shape: [0, 4] },
    },
    metadata: { format: 'pt' },
  });
  let refused = 0;
  for (let run = 0; run < runs; run += 1) {
    try {
      const { tensors } = readSafetensors(mutate(file, random));
      for (const { data, shape } of Object.values(tensors))
        expect(data).toHaveLength(shape.reduce((product, size) => product * size, 1));
    } catch (error) {
      if (!(error instanceof TinkerError)) throw error;
      expect(error).toMatchObject({
        code: 'bad_request',
        message: expect.stringMatching(/safetensors.*got/) as string,
      });
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(runs / 2);
});

it.each([
  ['a header longer than the file', 2n ** 40n, '{}'],
  ['a length beyond what numbers hold', 2n ** 64n - 1n, '{}'],
  ['a tensor beyond the file', undefined, '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'],
  ['a size that overflows', undefined, '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'],
  ['offsets that go backwards', undefined, '{"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}}'],
  ['another dtype', undefined, '{"a":{"dtype":"F64","shape":[0],"data_offsets":[0,0]}}'],
  ['fractions', undefined, '{"a":{"dtype":"F32","shape":[0.5],"data_offsets":[0,2]}}'],
])('refuses %s', (_, length, json) => {
  const header = new TextEncoder().encode(json);
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(header.length), true);
  file.set(header, 8);
  expect(() => readSafetensors(file)).toThrow(TinkerError);
});
