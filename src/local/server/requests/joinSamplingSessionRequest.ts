import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Joins a sampling session as one more client. */
export const joinSamplingSessionRequest = z.strictObject({ sampling_session_id: z.string(), type: typeTag });
