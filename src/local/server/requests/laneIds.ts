import * as z from 'zod';

/** Whose call it is, and its place in that model's order. */
export const laneIds = z.looseObject({
  model_id: z.string(),
  seq_id: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
});
