/** The texts that tokenizer and weights of the default model are made from. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export const endOfText = '<|endoftext|>';

/** Tales that are not trained on; the loss on them says what the model knows of others. */
const heldOutTitles = ["The Emperor's New Suit", 'The Pea Blossom', 'The Story of the Year'];

const read = (name) => readFileSync(new URL(name, import.meta.url));

/** The texts to train on and the texts held out. */
export function readPretrainingText() {
  const tales = gunzipSync(read('tales.txt.gz'))
    .toString('utf8')
    .split(`\n\n${endOfText}\n\n`)
    .map((tale) => tale.trim());
  const isHeldOut = (tale) => heldOutTitles.includes(tale.slice(0, tale.indexOf('\n')));
  return {
    training: [...tales.filter((tale) => !isHeldOut(tale)), read('text.txt').toString('utf8').trim()],
    heldOut: tales.filter(isHeldOut),
  };
}
