import * as z from 'zod';

/** Asks what a checkpoint is of. */
export const weightsInfoRequest = z.strictObject({ tinker_path: z.string() });
