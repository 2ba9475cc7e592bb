import * as z from 'zod';
import { withDefault } from './optional.js';

/** Metrics by `name:reduction`; numbers that JSON can't write come as null and read as NaN. */
export const metricsSchema = withDefault(
  z.record(
    z.string(),
    z
      .number()
      .nullable()
      .transform((value) => value ?? NaN),
  ),
  {},
);
