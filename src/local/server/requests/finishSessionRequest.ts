import * as z from 'zod';

/** Ends a session, saying how its work went. */
export const finishSessionRequest = z.strictObject({
  reason: z.strictObject({ type: z.enum(['success', 'errored', 'interrupted']) }),
  detail: z.string().max(10_000).nullish(),
});
