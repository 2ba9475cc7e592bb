import * as z from 'zod';

/** Answer of copy_weights: the path of the copy. */
export const copiedWeightsSchema = z
  .object({ tinker_path: z.string() })
  .transform((copy): { readonly path: string } => ({ path: copy.tinker_path }));
