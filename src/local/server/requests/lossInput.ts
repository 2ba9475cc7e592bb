import * as z from 'zod';
import { modelInput } from './modelInput.js';
import { tensorData } from './tensorData.js';

const spans = z.array(z.unknown()).nullish();

/** Training examples and the loss to take over them. */
export const lossInput = z.strictObject({
  data: z.array(
    z.strictObject({
      model_input: modelInput,
      loss_fn_inputs: z.record(z.string(), tensorData),
      model_input_spans: spans,
      loss_fn_input_spans: spans,
    }),
  ),
  loss_fn: z.string(),
  loss_fn_config: z.record(z.string(), z.union([z.number(), z.string()])).nullish(),
});

export type LossInput = z.infer<typeof lossInput>;
