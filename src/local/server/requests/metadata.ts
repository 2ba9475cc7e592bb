import * as z from 'zod';

/** Whatever a client wants to note. */
export const metadata = z.record(z.string(), z.unknown());
