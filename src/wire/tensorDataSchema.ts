import * as s from './schema.js';
import { TinkerError } from '../errors.js';
import { optional } from './optional.js';
import { TensorData } from './tensorData.js';
import { float32ArraySchema, tokensSchema, integerArraySchema } from './typedArraySchema.js';

const layout = {
  shape: optional(s.array(s.int().check(s.nonnegative()))),
  sparse_crow_indices: optional(tokensSchema),
  sparse_col_indices: optional(tokensSchema),
};

/** A tensor in an answer's JSON: `{data, dtype, shape?}`, and where a sparse one's values stand; else of one dimension. */
export const tensorDataSchema = s.transform(
  s.variants('dtype', {
    float32: s.object({ data: float32ArraySchema, ...layout }),
    int64: s.object({ data: integerArraySchema, ...layout }),
  }),
  (tensor, context): TensorData => {
    const { data, shape = [data.length], sparse_crow_indices: crowIndices, sparse_col_indices: colIndices } = tensor;
    try {
      return crowIndices === undefined || colIndices === undefined
        ? new TensorData(data, shape)
        : new TensorData(data, shape, { crowIndices, colIndices });
    } catch (error) {
      if (!(error instanceof TinkerError)) throw error;
      return context.refuse(error.message.replace(/[.]$/, ''));
    }
  },
);
