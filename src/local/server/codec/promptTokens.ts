import type { ModelInput } from '../requests/modelInput.js';
import { refusal } from '../refusal.js';

/** The tokens of all chunks of an input, in one array. */
export function promptTokens(input: ModelInput, where: string): Int32Array {
  for (const [index, chunk] of input.chunks.entries()) {
    if (chunk.type === 'encoded_text') continue;
    throw refusal(
      400,
      `${where}.chunks.${index}: Expected a chunk of type encoded_text, got ${JSON.stringify(chunk.type)}; the models of this server read text only.`,
    );
  }
  return Int32Array.from(input.chunks.flatMap((chunk) => (chunk.type === 'encoded_text' ? chunk.tokens : [])));
}
