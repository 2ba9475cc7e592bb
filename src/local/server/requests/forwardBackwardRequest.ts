import * as z from 'zod';
import { lossInput } from './lossInput.js';
import { typeTag } from './typeTag.js';

const common = { model_id: z.string(), seq_id: z.int(), type: typeTag };

/** Accumulates the gradient of a loss. */
export const forwardBackwardRequest = z.strictObject({ ...common, forward_backward_input: lossInput });

/** Computes a loss without its gradient. */
export const forwardRequest = z.strictObject({ ...common, forward_input: lossInput });
