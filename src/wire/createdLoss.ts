import * as z from 'zod/mini';
import { transform } from './transform.js';

/** Result of create_custom_loss. */
export const createdLossSchema = transform(
  z.object({ loss_id: z.string().check(z.minLength(1)) }),
  (created): { readonly lossId: string } => ({ lossId: created.loss_id }),
);
