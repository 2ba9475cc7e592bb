import * as z from 'zod';

/** A token; whether the model has it is checked later. */
export const token = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
