import * as z from 'zod';

const tenYears = 10 * 366 * 24 * 3600;

/** How long a checkpoint is kept, in seconds. */
export const ttlSeconds = z.int().min(1).max(tenYears);
