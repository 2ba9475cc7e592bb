import * as z from 'zod';
import { optional } from './optional.js';
import { TensorData } from './tensorData.js';
import { float32ArraySchema, integerArraySchema } from './typedArraySchema.js';

const shape = optional(z.array(z.int().nonnegative()));

/** A tensor in an answer's JSON: `{data, dtype, shape?}`; one dimension where there is no shape. */
export const tensorDataSchema = z
  .discriminatedUnion('dtype', [
    z.object({ dtype: z.literal('float32'), data: float32ArraySchema, shape }),
    z.object({ dtype: z.literal('int64'), data: integerArraySchema, shape }),
  ])
  .transform((tensor, context): TensorData => {
    const sizes = tensor.shape ?? [tensor.data.length];
    if (sizes.reduce((product, size) => product * size, 1) === tensor.data.length) {
      return new TensorData(tensor.data, sizes);
    }
    const message = `Expected ${String(tensor.data.length)} elements to fit shape [${sizes.join(', ')}]`;
    context.issues.push({ code: 'custom', message, input: sizes });
    return z.NEVER;
  });
