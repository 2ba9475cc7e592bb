import fc from 'fast-check';
import type { ForwardBackwardRequest } from '../../../src/wire/codec.js';
import type { PreparedDatum } from '../../../src/wire/datum.js';
import { lossNames } from '../../../src/wire/lossName.js';
import { ModelInput } from '../../../src/wire/modelInput.js';
import type { ModelInputChunk } from '../../../src/wire/modelInputChunk.js';
import type { PreparedTensor } from '../../../src/wire/preparedTensor.js';
import { TensorData } from '../../../src/wire/tensorData.js';

const float32 = fc.float({ noNaN: false });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);

const values = fc.oneof(
  fc.array(float32).map((numbers) => Float32Array.from(numbers)),
  fc.array(int32).map((numbers) => Int32Array.from(numbers)),
  fc.array(int64).map((numbers) => BigInt64Array.from(numbers)),
);

const dense = fc.tuple(values, fc.boolean()).map(([data, deep]) => {
  return new TensorData(data, deep ? [data.length, 1, 1] : undefined);
});

/** Numbers that were left in an array. */
const numbers: fc.Arbitrary<PreparedTensor> = fc.oneof(
  fc.array(float32).map((data) => ({ data, dtype: 'float32' as const, shape: [data.length] })),
  fc.array(int32).map((data) => ({ data, dtype: 'int64' as const, shape: [data.length] })),
);

/** Matrices with a few values in each row, and rows without any. */
const sparse = fc
  .array(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }), { maxLength: 5 })
  .map((rows) => {
    const crowIndices = Int32Array.of(0, ...rows.map((_, row) => rows.slice(0, row + 1).flat().length));
    const columns = Int32Array.from(rows.flat());
    const data = Float32Array.from(columns, (column) => column + 0.5);
    return new TensorData(data, [rows.length, 7], { crowIndices, colIndices: columns });
  });

const text = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 })).map((tokens) => ({
  type: 'encoded_text' as const,
  tokens: Int32Array.from(tokens),
}));

const image = fc.record({
  type: fc.constant('image' as const),
  data: fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
  format: fc.constantFrom('png', 'jpeg'),
  expectedTokens: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
});

/** A container's head says how long the audio is: a type, two axes, and their sizes in one byte each. */
const audio = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 127 })).map(([dtype, length]) => ({
  type: 'dmel' as const,
  dmel: Uint8Array.of(dtype, 2, length, 80, 1, 2, 3),
}));

const chunk: fc.Arbitrary<ModelInputChunk> = fc.oneof({ weight: 3, arbitrary: text }, image, audio);

const spans = fc.array(
  fc.record({
    from: fc.constantFrom('prompt', 'sample'),
    sequenceId: fc.string({ minLength: 1, unit: 'grapheme' }),
    offset: fc.maxSafeNat(),
    length: fc.maxSafeNat(),
  }),
  { maxLength: 3 },
);

const plainDatum = fc.record({
  modelInput: fc.array(chunk, { maxLength: 3 }).map((chunks) => new ModelInput(chunks)),
  lossFnInputs: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.oneof(dense, sparse, numbers), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
});

const datum: fc.Arbitrary<PreparedDatum> = fc
  .tuple(plainDatum, fc.option(fc.record({ modelInput: spans, targetTokens: spans }), { nil: undefined }))
  .map(([plain, provenance]) => ({ ...plain, ...(provenance !== undefined && { provenance }) }));

/** Passes as they are before they are encoded. */
export const passes: fc.Arbitrary<ForwardBackwardRequest> = fc.record({
  modelId: fc.string({ unit: 'grapheme' }),
  seqId: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  data: fc.array(datum, { maxLength: 4 }),
  loss: fc.constantFrom(...lossNames),
  lossConfig: fc.dictionary(fc.string(), fc.oneof(fc.double(), fc.string()), { maxKeys: 4, noNullPrototype: true }),
  forwardOnly: fc.boolean(),
});
