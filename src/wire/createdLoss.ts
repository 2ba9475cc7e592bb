import * as s from './schema.js';
import { transform } from './schema.js';

/** Result of create_custom_loss. */
export const createdLossSchema = transform(
  s.object({ loss_id: s.string().check(s.minLength(1)) }),
  (created): { readonly lossId: string } => ({ lossId: created.loss_id }),
);
