import * as z from 'zod';
import { typeTag } from './typeTag.js';

export const sessionHeartbeatRequest = z.strictObject({ session_id: z.string(), type: typeTag });
