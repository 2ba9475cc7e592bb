import * as z from 'zod';

/** Waits for any sample of one client of a sampling session. */
export const retrieveFuturesRequest = z.strictObject({
  target: z.strictObject({
    type: z.literal('sampling_session').default('sampling_session'),
    sampling_session_id: z.string(),
    cloned_sampler_id: z.int().min(0).default(0),
  }),
  /** The cursor of the last answer, which is thereby acknowledged. */
  prev_cursor: z.int().min(0).default(0),
  /** Seconds to wait at most; 0 only acknowledges. */
  timeout: z.number().min(0).nullish(),
  /** Results that were read; they are dropped after a while anyway. */
  retrieved_request_ids: z.array(z.string()).default([]),
});
