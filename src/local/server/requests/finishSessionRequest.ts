import * as z from 'zod';

export const finishSessionRequest = z.strictObject({
  reason: z.strictObject({ type: z.enum(['success', 'errored', 'interrupted']) }),
  detail: z.string().nullish(),
});
