import * as z from 'zod';
import { typeTag } from './typeTag.js';

/** A request about one model. */
export const modelRequest = z.strictObject({ model_id: z.string(), type: typeTag });
