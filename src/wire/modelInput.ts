import { isObservable, map, of, switchMap, type Observable } from 'rxjs';
import { invalidArgument } from '../errors.js';
import { loadTokenizer, tokenizerId } from '../tokenizer/index.js';
import { checkChunk, type EncodedTextChunk, type ModelInputChunk, wrongToken } from './modelInputChunk.js';
import { asInt32 } from './asInt32.js';

/** Anything that turns text into tokens: a tokenizer or a TrainingClient. */
export interface TextTokenizer {
  /** Text to tokens, nothing added. */
  encode(text: string): Observable<ArrayLike<number>> | ArrayLike<number>;
}

/** Whose tokenizer {@link ModelInput.fromText} uses: give one of the three. */
export type EncodeWith =
  { readonly training: TextTokenizer } | { readonly tokenizer: TextTokenizer } | { readonly modelName: string };

/**
 * What a model reads: tokens, in one or several chunks, and images and audio between them for models that take such.
 *
 * @example
 * new ModelInput([
 *   { type: 'encoded_text', tokens: Int32Array.of(1, 2) },
 *   { type: 'image', data: Uint8Array.of(0x89, 0x50), format: 'png', expectedTokens: 64 },
 * ]).length; // 66
 */
export class ModelInput {
  /** Length in tokens; undefined with an image that does not say how many it takes. */
  readonly knownLength: number | undefined;

  /** @throws TinkerError `invalid_argument` for a negative token, and for what is no chunk */
  constructor(readonly chunks: readonly ModelInputChunk[]) {
    let known: number | undefined = 0;
    let index = 0;
    for (const chunk of chunks) {
      const length = checkChunk(chunk, index++);
      known = known === undefined || length === undefined ? undefined : known + length;
    }
    this.knownLength = known;
  }

  /** Length in tokens. @throws TinkerError `invalid_argument` with an image that has no `expectedTokens` */
  get length(): number {
    if (this.knownLength !== undefined) return this.knownLength;
    throw invalidArgument('expectedTokens in each image of a ModelInput whose length is needed', 'an image without');
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

  /**
   * All tokens in order; without a copy when there is one chunk.
   *
   * @throws TinkerError `invalid_argument` where there are images or audio
   */
  tokens(): Int32Array {
    const texts = this.chunks.map(textOf);
    const [first] = texts;
    if (first === undefined) return new Int32Array();
    if (texts.length === 1) return first.tokens;
    const all = new Int32Array(this.length);
    let offset = 0;
    for (const { tokens } of texts) {
      all.set(tokens, offset);
      offset += tokens.length;
    }
    return all;
  }
}

function textOf(chunk: ModelInputChunk): EncodedTextChunk {
  if (chunk.type === 'encoded_text') return chunk;
  throw invalidArgument('a ModelInput of text alone', `a chunk of type ${chunk.type}`);
}

function encoderOf(by: EncodeWith): Observable<TextTokenizer> {
  if ('training' in by) return of(by.training);
  if ('tokenizer' in by) return of(by.tokenizer);
  if ('modelName' in by) return loadTokenizer(tokenizerId(by.modelName));
  throw invalidArgument('one of training, tokenizer and modelName to encode text with', by);
}
