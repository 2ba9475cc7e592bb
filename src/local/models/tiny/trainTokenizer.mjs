/**
 * Trains the byte-level BPE tokenizer of the default model on its texts, the same bytes at every run.
 *
 *     node src/local/models/tiny/trainTokenizer.mjs [output file, by default tokenizer.json beside this script]
 */
import { writeFileSync } from 'node:fs';
import { endOfText, readPretrainingText } from './readPretrainingText.mjs';

const vocabularySize = 1024;

/** GPT-2's split into words: contractions, letters, digits, other signs, each with one leading space, and whitespace. */
const words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's name for each byte: itself where it prints, else the next free character from U+0100 on. */
function byteNames() {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(prints ? byte : next++);
  });
}

/** The distinct words of the texts as lists of symbols, with their counts. */
function countWords(texts, names) {
  const counts = new Map();
  for (const text of texts) for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Array.from(counts, ([word, count]) => ({
    symbols: Array.from(Buffer.from(word), (byte) => names[byte]),
    count,
  }));
}

/** How often each pair of neighbours occurs, and in which words; kept up to date while words change. */
class Pairs {
  #known = new Map();

  /** Counts the pairs of a word, or with sign -1 takes them back. */
  count(word, sign) {
    const { symbols, count } = word;
    for (let i = 1; i < symbols.length; i++) {
      const key = `${symbols[i - 1]} ${symbols[i]}`;
      let pair = this.#known.get(key);
      if (pair === undefined) this.#known.set(key, (pair = { key, count: 0, words: new Set() }));
      pair.count += sign * count;
      pair.words.add(word);
    }
  }

  /** The most frequent one; among equals the one whose symbols came first into the vocabulary. */
  mostFrequent(vocabulary) {
    const ids = ({ key }) => key.split(' ').map((symbol) => vocabulary.get(symbol));
    const before = (a, b) => {
      if (a.count !== b.count) return a.count > b.count;
      const [[a0, a1], [b0, b1]] = [ids(a), ids(b)];
      return a0 !== b0 ? a0 < b0 : a1 < b1;
    };
    let best;
    for (const pair of this.#known.values()) if (best === undefined || before(pair, best)) best = pair;
    return best;
  }
}

/** Joins each occurrence of the pair, from the left. */
function join(symbols, left, right) {
  const joined = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      joined.push(left + right);
      i++;
    } else joined.push(symbols[i]);
  }
  return joined;
}

function train(texts) {
  const names = byteNames();
  const alphabet = [...names].sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  const vocabulary = new Map([endOfText, ...alphabet].map((symbol, id) => [symbol, id]));
  const merges = [];
  const pairs = new Pairs();
  for (const word of countWords(texts, names)) pairs.count(word, 1);
  while (vocabulary.size < vocabularySize) {
    const { key, words } = pairs.mostFrequent(vocabulary);
    const [left, right] = key.split(' ');
    merges.push(key);
    vocabulary.set(left + right, vocabulary.size);
    for (const word of [...words]) {
      pairs.count(word, -1);
      word.symbols = join(word.symbols, left, right);
      pairs.count(word, 1);
    }
  }
  return { vocabulary, merges };
}

/** The Hugging Face format; merges as strings, which every reader of the format understands. */
function tokenizerJson({ vocabulary, merges }) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      {
        id: vocabulary.get(endOfText),
        content: endOfText,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary),
      merges,
    },
  };
}

const output = process.argv[2] ?? new URL('./tokenizer.json', import.meta.url);
writeFileSync(output, `${JSON.stringify(tokenizerJson(train(readPretrainingText().training)), null, 2)}\n`);
