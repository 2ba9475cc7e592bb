import * as z from 'zod/mini';
import { TinkerError } from '../errors.js';
import { optional } from './optional.js';
import { TensorData } from './tensorData.js';
import { float32ArraySchema, tokensSchema, integerArraySchema } from './typedArraySchema.js';
import { transform } from './transform.js';

const layout = {
  shape: optional(z.array(z.int().check(z.nonnegative()))),
  sparse_crow_indices: optional(tokensSchema),
  sparse_col_indices: optional(tokensSchema),
};

/** A tensor in an answer's JSON: `{data, dtype, shape?}`, and where a sparse one's values stand; else of one dimension. */
export const tensorDataSchema = transform(
  z.discriminatedUnion('dtype', [
    z.object({ dtype: z.literal('float32'), data: float32ArraySchema, ...layout }),
    z.object({ dtype: z.literal('int64'), data: integerArraySchema, ...layout }),
  ]),
  (tensor, context): TensorData => {
    const { data, shape = [data.length], sparse_crow_indices: crowIndices, sparse_col_indices: colIndices } = tensor;
    try {
      return crowIndices === undefined || colIndices === undefined
        ? new TensorData(data, shape)
        : new TensorData(data, shape, { crowIndices, colIndices });
    } catch (error) {
      if (!(error instanceof TinkerError)) throw error;
      context.issues.push({ code: 'custom', message: error.message.replace(/[.]$/, ''), input: shape });
      return z.NEVER;
    }
  },
);
