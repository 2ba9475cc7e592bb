import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { metricsSchema } from './metricsSchema.js';
import { withDefault } from './optional.js';
import type { TensorData } from './tensorData.js';
import { tensorDataSchema } from './tensorDataSchema.js';

/** Result of `forward` and `forwardBackward`. */
export interface ForwardBackwardOutput {
  /** What kind of outputs these are, in the server's words. */
  readonly lossFnOutputType: string;
  /** One record a datum, in order; `logprobs` are of the target tokens, float32, shaped like them. */
  readonly lossFnOutputs: readonly Readonly<Record<string, TensorData>>[];
  /** By `name:reduction`, e.g. `loss:sum`. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** JSON form of {@link ForwardBackwardOutput}. */
export const forwardBackwardOutputSchema = s.transform(
  s.object({
    loss_fn_output_type: withDefault(s.string(), 'ArrayRecord'),
    loss_fn_outputs: s.array(s.record(tensorDataSchema)),
    metrics: metricsSchema,
  }),
  (output): ForwardBackwardOutput => camelKeys(output),
);
