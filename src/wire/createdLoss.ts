import * as z from 'zod';

/** Result of create_custom_loss. */
export const createdLossSchema = z
  .object({ loss_id: z.string().min(1) })
  .transform((created): { readonly lossId: string } => ({ lossId: created.loss_id }));
