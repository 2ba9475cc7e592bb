import fc from 'fast-check';
import type { ForwardBackwardRequest } from '../../../../src/wire/codec.js';
import { lossNames } from '../../../../src/wire/lossName.js';
import { ModelInput } from '../../../../src/wire/modelInput.js';
import { TensorData } from '../../../../src/wire/tensorData.js';

// JSON has one zero and neither NaN nor infinities.
const finite = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const token = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const dense = fc
  .oneof(
    fc.array(finite).map((values) => Float32Array.from(values)),
    fc.array(fc.integer()).map((values) => Int32Array.from(values)),
    fc.array(fc.integer()).map((values) => BigInt64Array.from(values, BigInt)),
  )
  .chain((data) => fc.constantFrom([data.length], [data.length, 1]).map((shape) => new TensorData(data, shape)));

const sparse = fc
  .array(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }), { maxLength: 5 })
  .map((rows) => {
    const crowIndices = Int32Array.of(0, ...rows.map((_, row) => rows.slice(0, row + 1).flat().length));
    const colIndices = Int32Array.from(rows.flat());
    const data = Float32Array.from(colIndices, (column) => column + 0.5);
    return new TensorData(data, [rows.length, 7], { crowIndices, colIndices });
  });

const datum = fc.record({
  modelInput: fc
    .array(fc.array(token, { minLength: 1 }), { minLength: 1, maxLength: 3 })
    .map(
      (chunks) => new ModelInput(chunks.map((tokens) => ({ type: 'encoded_text', tokens: Int32Array.from(tokens) }))),
    ),
  lossFnInputs: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.oneof(dense, sparse), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
});

/** Passes that a server can read in either format. */
export const passes: fc.Arbitrary<ForwardBackwardRequest> = fc.record({
  modelId: fc.string({ unit: 'grapheme', minLength: 1 }),
  seqId: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  data: fc.array(datum, { maxLength: 4 }),
  loss: fc.constantFrom(...lossNames),
  lossConfig: fc.dictionary(fc.string(), fc.oneof(finite, fc.string()), { maxKeys: 4, noNullPrototype: true }),
  forwardOnly: fc.boolean(),
});
