import * as z from 'zod/mini';
import { metricsSchema } from './metricsSchema.js';
import { transform } from './transform.js';

/** Result of `optimStep`. */
export interface OptimStepOutput {
  readonly metrics: Readonly<Record<string, number>>;
}

/** JSON form of {@link OptimStepOutput}. */
export const optimStepOutputSchema = transform(
  z.object({ metrics: metricsSchema }),
  (output): OptimStepOutput => output,
);
