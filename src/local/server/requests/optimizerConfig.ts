import * as z from 'zod';

/** The optimizer of a model. */
export const optimizerConfig = z.strictObject({
  type: z.literal('adamw', { error: 'Expected the optimizer adamw, the only one of this server' }),
});
