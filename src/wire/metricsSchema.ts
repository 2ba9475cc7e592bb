import * as z from 'zod/mini';
import { withDefault } from './optional.js';
import { transform } from './transform.js';

/** Metrics by `name:reduction`; numbers that JSON can't write come as null and read as NaN. */
export const metricsSchema = withDefault(
  z.record(
    z.string(),
    transform(z.nullable(z.number()), (value) => value ?? NaN),
  ),
  {},
);
