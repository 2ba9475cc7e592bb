import * as z from 'zod';
import { metricsSchema } from './metricsSchema.js';

/** Result of `optimStep`. */
export interface OptimStepOutput {
  readonly metrics: Readonly<Record<string, number>>;
}

/** JSON form of {@link OptimStepOutput}. */
export const optimStepOutputSchema = z
  .object({ metrics: metricsSchema })
  .transform((output): OptimStepOutput => output);
