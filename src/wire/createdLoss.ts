import * as s from './schema.js';

/** Result of create_custom_loss. */
export const createdLossSchema = s.transform(
  s.object({ loss_id: s.string().check(s.minLength(1)) }),
  (created): { readonly lossId: string } => ({ lossId: created.loss_id }),
);
