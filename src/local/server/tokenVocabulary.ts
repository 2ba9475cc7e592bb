import * as z from 'zod';
import type { StopTexts } from '../engine/engine.js';
import { refusal } from './refusal.js';

const tokenizerFile = z.object({
  model: z.object({ type: z.literal('BPE'), vocab: z.record(z.string(), z.int().min(0)) }),
  decoder: z.object({ type: z.literal('ByteLevel') }),
  added_tokens: z.array(z.object({ id: z.int().min(0), content: z.string() })).default([]),
});

/**
 * What each token adds to a text, from a `tokenizer.json` of byte-level BPE.
 *
 * @throws TinkerError with status 400 for another kind of tokenizer.
 */
export function tokenVocabulary(content: Uint8Array, model: string): StopTexts['vocabulary'] {
  const file = tokenizerFile.safeParse(JSON.parse(new TextDecoder().decode(content)));
  if (!file.success) {
    throw refusal(
      400,
      `sampling_params.stop: Expected token ids for ${model}, whose tokenizer is not byte-level BPE, got text. Encode it first.`,
    );
  }
  const { model: bpe, added_tokens: added } = file.data;
  const parts: Uint8Array[] = [];
  for (const [token, id] of Object.entries(bpe.vocab)) parts[id] = bytesOf(token);
  for (const { id, content: text } of added) parts[id] = new TextEncoder().encode(text);
  const starts = new Int32Array(parts.length + 1);
  for (let id = 0; id < parts.length; id++) starts[id + 1] = (starts[id] ?? 0) + (parts[id]?.length ?? 0);
  const bytes = new Uint8Array(starts.at(-1) ?? 0);
  parts.forEach((part, id) => bytes.set(part, starts[id] ?? 0));
  return { bytes, starts };
}

/** Byte-level BPE writes each byte as a printable character (GPT-2's encoder.py): 256 and up for those that are not. */
const byteOfCharacter = new Map<string, number>();
for (let byte = 0, shifted = 256; byte < 256; byte++) {
  const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  byteOfCharacter.set(String.fromCodePoint(printable ? byte : shifted), byte);
  if (!printable) shifted += 1;
}

function bytesOf(token: string): Uint8Array {
  const known = Array.from(token, (character) => byteOfCharacter.get(character));
  return known.includes(undefined) ? new TextEncoder().encode(token) : Uint8Array.from(known, (byte) => byte ?? 0);
}
