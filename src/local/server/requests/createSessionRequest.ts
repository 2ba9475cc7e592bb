import * as z from 'zod';
import { metadata } from './metadata.js';
import { typeTag } from './typeTag.js';

/** Opens a session. */
export const createSessionRequest = z.strictObject({
  tags: z.array(z.string()).nullish(),
  user_metadata: metadata.nullish(),
  sdk_version: z.string().nullish(),
  project_id: z.string().nullish(),
  display_name: z.string().nullish(),
  type: typeTag,
});
