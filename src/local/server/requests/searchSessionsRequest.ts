import * as z from 'zod';

const nonEmpty = z.string().min(1);

const status = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['active', 'cancelled', 'failed']) }),
  z.strictObject({
    type: z.literal('client_finished'),
    reasons: z
      .array(z.enum(['success', 'errored', 'interrupted']))
      .min(1)
      .nullish(),
  }),
]);

/** Looks for sessions; all that is given must hold, but for a session's id and name, of which one is enough. */
export const searchSessionsRequest = z.strictObject({
  session_id: z.string().nullish(),
  project_ids: z.array(z.string()).nullish(),
  user_metadata: z.record(z.string(), z.string()).default({}),
  display_name: nonEmpty.nullish(),
  owner: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.enum(['own', 'accessible']) }),
      z.strictObject({ type: z.literal('user'), owner_urns: z.array(nonEmpty).min(1).max(10) }),
    ])
    .default({ type: 'own' }),
  statuses: z.array(status).min(1).nullish(),
  limit: z.int().min(1).max(200).default(50),
  cursor: z.strictObject({ last_created_at: z.iso.datetime({ offset: true }), last_session_id: z.string() }).nullish(),
});

export type SearchSessionsRequest = z.infer<typeof searchSessionsRequest>;
