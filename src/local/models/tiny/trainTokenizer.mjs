/**
 * Trains the byte-level BPE tokenizer of the default model on text.txt, the same bytes at every run.
 *
 *     node src/local/models/tiny/trainTokenizer.mjs [output file, by default tokenizer.json beside this script]
 */
import { readFileSync, writeFileSync } from 'node:fs';

const vocabularySize = 512;
const endOfText = '<|endoftext|>';

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

/** The distinct words of a text as lists of symbols, with their counts. */
function countWords(text, names) {
  const counts = new Map();
  for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Array.from(counts, ([word, count]) => ({
    symbols: Array.from(Buffer.from(word), (byte) => names[byte]),
    count,
  }));
}

/** The most frequent pair of neighbours; among equals the one whose symbols came first into the vocabulary. */
function mostFrequentPair(counted, vocabulary) {
  const pairs = new Map();
  for (const { symbols, count } of counted) {
    for (let i = 1; i < symbols.length; i++) {
      const key = `${symbols[i - 1]} ${symbols[i]}`;
      pairs.set(key, (pairs.get(key) ?? 0) + count);
    }
  }
  const rank = ([key, count]) => [-count, ...key.split(' ').map((symbol) => vocabulary.get(symbol))];
  const before = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  let best;
  for (const entry of pairs) if (best === undefined || before(rank(entry), rank(best)) < 0) best = entry;
  return best[0];
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

function train(text) {
  const names = byteNames();
  const alphabet = [...names].sort((a, b) => a.codePointAt(0) - b.codePointAt(0));
  const vocabulary = new Map([endOfText, ...alphabet].map((symbol, id) => [symbol, id]));
  const merges = [];
  let counted = countWords(text, names);
  while (vocabulary.size < vocabularySize) {
    const pair = mostFrequentPair(counted, vocabulary);
    const [left, right] = pair.split(' ');
    merges.push(pair);
    vocabulary.set(left + right, vocabulary.size);
    counted = counted.map(({ symbols, count }) => ({ symbols: join(symbols, left, right), count }));
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

const text = readFileSync(new URL('./text.txt', import.meta.url), 'utf8');
const output = process.argv[2] ?? new URL('./tokenizer.json', import.meta.url);
writeFileSync(output, `${JSON.stringify(tokenizerJson(train(text)), null, 2)}\n`);
