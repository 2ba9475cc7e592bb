import * as s from './schema.js';
import { withDefault } from './optional.js';
import { transform } from './schema.js';

/** Metrics by `name:reduction`; numbers that JSON can't write come as null and read as NaN. */
export const metricsSchema = withDefault(s.record(transform(s.nullable(s.number()), (value) => value ?? NaN)), {});
