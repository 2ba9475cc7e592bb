import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** Gives up a promise. */
export const cancelFutureRequest = z.strictObject({ request_id: z.string(), type: typeTag });
