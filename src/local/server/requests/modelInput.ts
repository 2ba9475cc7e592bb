import * as z from 'zod';
import { numbers } from './numbers.js';

const chunk = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('encoded_text'), tokens: numbers }),
  z.looseObject({ type: z.enum(['image', 'image_asset_pointer', 'dmel']) }),
]);

/** What a model reads. */
export const modelInput = z.strictObject({ chunks: z.array(chunk) });

export type ModelInput = z.infer<typeof modelInput>;
