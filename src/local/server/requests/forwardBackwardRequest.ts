import * as z from 'zod';
import { lossInput } from './lossInput.js';
import { typeTag } from './typeTag.js';

const common = { model_id: z.string(), seq_id: z.int(), type: typeTag };

export const forwardBackwardRequest = z.strictObject({ ...common, forward_backward_input: lossInput });

export const forwardRequest = z.strictObject({ ...common, forward_input: lossInput });
