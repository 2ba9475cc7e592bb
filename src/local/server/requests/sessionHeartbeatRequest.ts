import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Keeps a session alive. */
export const sessionHeartbeatRequest = z.strictObject({ session_id: z.string(), type: typeTag });
