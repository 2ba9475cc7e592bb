import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A short text with its title. */
export interface Passage {
  readonly title: string;
  readonly text: string;
}

const tiny = new URL('./tiny/', import.meta.url);

/** Directory of the default model, as Hugging Face lays one out: config.json, model.safetensors and the tokenizer. */
export const tinyDirectory: string = fileURLToPath(tiny);

/** Path of the default model's tokenizer: byte-level BPE of 1024 tokens, id 0 is `<|endoftext|>`. */
export const tinyTokenizerFile: string = fileURLToPath(new URL('tokenizer.json', tiny));

/**
 * A public-domain book, 142 kB, one of the texts that the default model was trained on: one line a paragraph or verse, an
 * empty line between.
 */
export function tinyText(): string {
  return readFileSync(new URL('text.txt', tiny), 'utf8');
}

/** Eight nursery rhymes to fine-tune the default model on, each shorter than 128 tokens and absent from {@link tinyText}. */
export function tinyPassages(): readonly Passage[] {
  return JSON.parse(readFileSync(new URL('fineTune.json', tiny), 'utf8')) as readonly Passage[];
}
