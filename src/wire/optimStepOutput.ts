import * as s from './schema.js';
import { metricsSchema } from './metricsSchema.js';

/** Result of `optimStep`. */
export interface OptimStepOutput {
  readonly metrics: Readonly<Record<string, number>>;
}

/** JSON form of {@link OptimStepOutput}. */
export const optimStepOutputSchema = s.transform(
  s.object({ metrics: metricsSchema }),
  (output): OptimStepOutput => output,
);
