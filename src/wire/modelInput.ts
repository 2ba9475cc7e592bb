import { isObservable, map, of, switchMap, type Observable } from 'rxjs';
import { describe, invalidArgument, TinkerError } from '../errors.js';
import { loadTokenizer, tokenizerId } from '../tokenizer/index.js';
import { asInt32 } from './asInt32.js';
import { hasNegative } from './hasNegative.js';

/** A run of tokens inside a {@link ModelInput}. */
export interface EncodedTextChunk {
  readonly type: 'encoded_text';
  readonly tokens: Int32Array;
}

/** A part of a {@link ModelInput}. */
export type ModelInputChunk = EncodedTextChunk;

/** Anything that turns text into tokens: a tokenizer or a TrainingClient. */
export interface TextTokenizer {
  /** Text to tokens, nothing added. */
  encode(text: string): Observable<ArrayLike<number>> | ArrayLike<number>;
}

/** Whose tokenizer {@link ModelInput.fromText} uses: give one of the three. */
export type EncodeWith =
  { readonly training: TextTokenizer } | { readonly tokenizer: TextTokenizer } | { readonly modelName: string };

/** What a model reads: tokens, in one or several chunks. */
export class ModelInput {
  /** Length in tokens. */
  readonly length: number;

  /** @throws TinkerError `invalid_argument` for a negative token */
  constructor(readonly chunks: readonly ModelInputChunk[]) {
    for (const { tokens } of chunks) checkTokens(tokens);
    this.length = chunks.reduce((sum, chunk) => sum + chunk.tokens.length, 0);
  }

  /**
   * Makes an input of tokens; an `Int32Array` is kept without a copy and must not change until it was sent.
   *
   * @throws TinkerError `invalid_argument` for a token that is no integer in [0, 2³¹)
   * @example
   * ModelInput.fromTokens([1, 42, 7]).length; // 3
   */
  static fromTokens(tokens: Int32Array | readonly number[]): ModelInput {
    if (!(tokens instanceof Int32Array) && !Array.isArray(tokens)) {
      throw invalidArgument('tokens as an Int32Array or an array of integers', tokens);
    }
    if (tokens instanceof Int32Array) return new ModelInput([{ type: 'encoded_text', tokens }]);
    const integers = asInt32(tokens);
    if (integers === undefined) throw wrongToken(tokens);
    return new ModelInput([{ type: 'encoded_text', tokens: integers }]);
  }

  /**
   * Encodes text, adding no special tokens and no chat template; emits one input and completes.
   *
   * @throws TinkerError `tokenizer_unavailable` through the stream, if the tokenizer can't be had
   * @example
   * ModelInput.fromText('Hello world', { training }).subscribe((input) => console.log(input.length));
   */
  static fromText(text: string, by: EncodeWith): Observable<ModelInput> {
    if (typeof text !== 'string') throw invalidArgument('text as a string', text);
    return encoderOf(by).pipe(
      switchMap((encoder) => {
        const tokens = encoder.encode(text);
        return isObservable(tokens) ? tokens : of(tokens);
      }),
      map((tokens) => ModelInput.fromTokens(tokens instanceof Int32Array ? tokens : Array.from(tokens))),
    );
  }

  /** All tokens in order; without a copy when there is one chunk. */
  tokens(): Int32Array {
    const [first, ...rest] = this.chunks;
    if (first === undefined) return new Int32Array();
    if (rest.length === 0) return first.tokens;
    const all = new Int32Array(this.length);
    let offset = 0;
    for (const { tokens } of this.chunks) {
      all.set(tokens, offset);
      offset += tokens.length;
    }
    return all;
  }
}

function checkTokens(tokens: Int32Array): void {
  if (!(tokens instanceof Int32Array) || hasNegative(tokens)) throw wrongToken(tokens);
}

function wrongToken(tokens: ArrayLike<unknown>): TinkerError {
  const isToken = (token: unknown): boolean =>
    Number.isInteger(token) && Number(token) >= 0 && Number(token) <= 0x7fffffff;
  const position = Array.from(tokens).findIndex((token) => !isToken(token));
  return new TinkerError(
    'invalid_argument',
    `Expected tokens to be integers from 0 to 2147483647, got ${describe(tokens[position])} at position ${String(position)}.`,
  );
}

function encoderOf(by: EncodeWith): Observable<TextTokenizer> {
  if ('training' in by) return of(by.training);
  if ('tokenizer' in by) return of(by.tokenizer);
  if ('modelName' in by) return loadTokenizer(tokenizerId(by.modelName));
  throw invalidArgument('one of training, tokenizer and modelName to encode text with', by);
}
