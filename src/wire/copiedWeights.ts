import * as s from './schema.js';

/** Answer of copy_weights: the path of the copy. */
export const copiedWeightsSchema = s.transform(
  s.object({ tinker_path: s.string() }),
  (copy): { readonly path: string } => ({ path: copy.tinker_path }),
);
