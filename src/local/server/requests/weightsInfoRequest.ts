import * as z from 'zod';

export const weightsInfoRequest = z.strictObject({ tinker_path: z.string() });
