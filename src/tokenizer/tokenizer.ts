import { invalidArgument, TinkerError } from '../errors.js';

/** Turns text into tokens and back. */
export interface Tokenizer {
  /** The id or path it was loaded by. */
  readonly id: string;
  /** How many tokens it knows, special ones included. */
  readonly vocabularySize: number;
  /**
   * The tokens of a text. Adds none at its ends and applies no chat template; the name of a special token in the text is
   * read as that token.
   *
   * @throws TinkerError `invalid_argument` for anything but a string, or for text that the vocabulary cannot express
   */
  encode(text: string): number[];
  /**
   * The text of tokens, special ones written by name; bytes that are no UTF-8 come out as U+FFFD.
   *
   * @throws TinkerError `invalid_argument` for anything but integers of the vocabulary
   */
  decode(tokens: ArrayLike<number>): string;
}

/** What a library offers: may assume that arguments are right, that `ids` has a first element, and answer with holes. */
export interface RawTokenizer {
  encode(text: string): readonly (number | null | undefined)[];
  decode(ids: number[]): string;
  /** The token of each id, with holes where the vocabulary has none. */
  readonly vocabulary: readonly (string | undefined)[];
}

/** Puts the checks that libraries leave out around a library's tokenizer. */
export function checkedTokenizer(id: string, raw: RawTokenizer): Tokenizer {
  const vocabularySize = raw.vocabulary.reduce((size, token) => (token === undefined ? size : size + 1), 0);
  return {
    id,
    vocabularySize,
    encode(text: string): number[] {
      if (typeof text !== 'string') throw invalidArgument('text to encode as a string', text);
      return Array.from(raw.encode(text), (token) => {
        if (typeof token === 'number') return token;
        throw invalidArgument(`text of characters that the vocabulary of ${id} has`, text);
      });
    },
    decode(tokens: ArrayLike<number>): string {
      const ids = tokensToDecode(tokens);
      ids.forEach((token, position) => {
        if (!Number.isInteger(token)) throw invalidArgument(`an integer as token at position ${position}`, token);
        if (raw.vocabulary[token] === undefined) {
          throw new TinkerError(
            'invalid_argument',
            `Expected tokens of ${id}, whose vocabulary has ${vocabularySize}, got ${token} at position ${position}.`,
          );
        }
      });
      return ids.length === 0 ? '' : raw.decode(ids);
    },
  };
}

function tokensToDecode(tokens: ArrayLike<number>): number[] {
  if (Array.isArray(tokens) || ArrayBuffer.isView(tokens)) return Array.from<number>(tokens);
  throw invalidArgument('tokens to decode as an array of integers', tokens);
}
