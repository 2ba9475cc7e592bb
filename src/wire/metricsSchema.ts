import * as s from './schema.js';
import { withDefault } from './optional.js';

/** Metrics by `name:reduction`; numbers that JSON can't write come as null and read as NaN. */
export const metricsSchema = withDefault(s.record(s.transform(s.nullable(s.number()), (value) => value ?? NaN)), {});
