import * as z from 'zod';
import { ttlSeconds } from './ttlSeconds.js';

/** Copies a checkpoint to a run of its own. Projects and access tokens mean nothing on one machine. */
export const copyWeightsRequest = z.strictObject({
  source_path: z.string(),
  destination_project_id: z.string().nullish(),
  ttl_seconds: ttlSeconds.nullish(),
  weights_access_token: z.string().nullish(),
  session_id: z.null({ error: 'This server copies to a new run only; leave it out' }).optional(),
  model_seq_id: z.null({ error: 'This server copies to a new run only; leave it out' }).optional(),
});
