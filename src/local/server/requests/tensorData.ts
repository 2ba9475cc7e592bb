import * as z from 'zod';
import { numbers } from './numbers.js';

const index = z.int().min(0);

/** A tensor in row-major order, or sparse (CSR) where the indices are there. */
export const tensorData = z.strictObject({
  data: numbers,
  dtype: z.enum(['float32', 'int64']),
  shape: z.array(index).nullish(),
  sparse_crow_indices: z.array(index).nullish(),
  sparse_col_indices: z.array(index).nullish(),
});

export type TensorData = z.infer<typeof tensorData>;
