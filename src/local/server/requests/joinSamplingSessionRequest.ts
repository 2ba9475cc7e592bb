import * as z from 'zod';
import { typeTag } from './typeTag.js';

export const joinSamplingSessionRequest = z.strictObject({ sampling_session_id: z.string(), type: typeTag });
