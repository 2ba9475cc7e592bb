import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A short text with its title. */
export interface Passage {
  readonly title: string;
  readonly text: string;
}

const tiny = new URL('./tiny/', import.meta.url);

/** Directory of the default model, with the `tokenizer.json` and `tokenizer_config.json` that loaders look for. */
export const tinyDirectory: string = fileURLToPath(tiny);

/** Path of the default model's tokenizer: byte-level BPE of 512 tokens, id 0 is `<|endoftext|>`. */
export const tinyTokenizerFile: string = fileURLToPath(new URL('tokenizer.json', tiny));

/** The public-domain book the default model was trained on, 142 kB: one line a paragraph or verse, an empty line between. */
export function tinyText(): string {
  return readFileSync(new URL('text.txt', tiny), 'utf8');
}

/** Eight nursery rhymes to fine-tune the default model on, each shorter than 128 tokens and absent from {@link tinyText}. */
export function tinyPassages(): readonly Passage[] {
  return JSON.parse(readFileSync(new URL('fineTune.json', tiny), 'utf8')) as readonly Passage[];
}
