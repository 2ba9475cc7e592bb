import * as z from 'zod';
import { token } from './token.js';

const chunk = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('encoded_text'), tokens: z.array(token) }),
  z.looseObject({ type: z.enum(['image', 'image_asset_pointer', 'dmel']) }),
]);

/** What a model reads. */
export const modelInput = z.strictObject({ chunks: z.array(chunk) });

export type ModelInput = z.infer<typeof modelInput>;
