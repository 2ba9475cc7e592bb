import { refusal } from '../refusal.js';
import type { ModelInput } from '../requests/modelInput.js';
import { readIntegers } from './readNumbers.js';

/** The tokens of all chunks of an input, in one array. */
export function promptTokens(input: ModelInput, where: string): Int32Array {
  const chunks = input.chunks.map((chunk, index) => {
    if (chunk.type === 'encoded_text') return readIntegers(chunk.tokens, 0, `${where}.chunks.${index}.tokens`);
    throw refusal(
      400,
      `${where}.chunks.${index}: Expected a chunk of type encoded_text, got ${chunk.type}; the models of this server read text only.`,
    );
  });
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const tokens = new Int32Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    tokens.set(chunk, offset);
    offset += chunk.length;
  }
  return tokens;
}
