import * as z from 'zod';

/** Requests name their own type; the path says the same. */
export const typeTag = z.string().nullish();
