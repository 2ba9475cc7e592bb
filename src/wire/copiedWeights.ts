import * as z from 'zod/mini';
import { transform } from './transform.js';

/** Answer of copy_weights: the path of the copy. */
export const copiedWeightsSchema = transform(
  z.object({ tinker_path: z.string() }),
  (copy): { readonly path: string } => ({ path: copy.tinker_path }),
);
