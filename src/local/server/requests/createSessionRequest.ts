import * as z from 'zod';
import { metadata } from './metadata.js';
import { typeTag } from './typeTag.js';

/** Opens a session. */
export const createSessionRequest = z.strictObject({
  tags: z.array(z.string().max(1000)).max(100).nullish(),
  user_metadata: metadata.nullish(),
  sdk_version: z.string().max(1000).nullish(),
  project_id: z.string().max(1000).nullish(),
  display_name: z.string().max(1000).nullish(),
  type: typeTag,
});
