import * as z from 'zod';
import { typeTag } from './typeTag.js';

export const cancelFutureRequest = z.strictObject({ request_id: z.string(), type: typeTag });
