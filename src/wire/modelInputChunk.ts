import { describe, invalidArgument, TinkerError } from '../errors.js';
import { hasNegative } from './hasNegative.js';

/** A run of tokens inside a model input. */
export interface EncodedTextChunk {
  readonly type: 'encoded_text';
  readonly tokens: Int32Array;
}

/** An image inside a model input, for models that see. */
export interface ImageChunk {
  readonly type: 'image';
  /** The bytes of the file. */
  readonly data: Uint8Array;
  readonly format: 'png' | 'jpeg';
  /** The tokens that it will take; the server counts itself and refuses another number. */
  readonly expectedTokens?: number;
}

/** An image that the server has or can fetch; in prompts of samples only. */
export interface ImageAssetPointerChunk {
  readonly type: 'image_asset_pointer';
  readonly location: string;
  readonly format: 'png' | 'jpeg';
  /** As of {@link ImageChunk}. */
  readonly expectedTokens?: number;
}

/** Audio inside a model input, as the discrete mel tokens of a model that hears. */
export interface DmelChunk {
  readonly type: 'dmel';
  /** A tensor in the container of the model's own tools. */
  readonly dmel: Uint8Array;
}

/** A part of a model input. */
export type ModelInputChunk = EncodedTextChunk | ImageChunk | ImageAssetPointerChunk | DmelChunk;

/**
 * Checks a chunk; gives its length in tokens, undefined for an image that does not say.
 *
 * @throws TinkerError `invalid_argument` for what is no chunk, or holds what it can't
 */
export function checkChunk(chunk: ModelInputChunk, index: number): number | undefined {
  switch (chunk.type) {
    case 'encoded_text':
      if (!(chunk.tokens instanceof Int32Array) || hasNegative(chunk.tokens)) throw wrongToken(chunk.tokens);
      return chunk.tokens.length;
    case 'image':
      if (!(chunk.data instanceof Uint8Array))
        throw invalidArgument(`a Uint8Array as data of chunks[${index}]`, chunk.data);
      return checkImage(chunk, index);
    case 'image_asset_pointer':
      if (typeof chunk.location !== 'string')
        throw invalidArgument(`a string as location of chunks[${index}]`, chunk.location);
      return checkImage(chunk, index);
    case 'dmel':
      if (!(chunk.dmel instanceof Uint8Array))
        throw invalidArgument(`a Uint8Array as dmel of chunks[${index}]`, chunk.dmel);
      return tensorLength(chunk.dmel);
    default:
      throw invalidArgument(
        `encoded_text, image, image_asset_pointer or dmel as the type of chunks[${index}]`,
        (chunk as { readonly type?: unknown }).type,
      );
  }
}

/** The error of what is no token, naming its position. */
export function wrongToken(tokens: ArrayLike<unknown>): TinkerError {
  const isToken = (token: unknown): boolean =>
    Number.isInteger(token) && Number(token) >= 0 && Number(token) <= 0x7fffffff;
  const position = Array.from(tokens).findIndex((token) => !isToken(token));
  return new TinkerError(
    'invalid_argument',
    `Expected tokens to be integers from 0 to 2147483647, got ${describe(tokens[position])} at position ${String(position)}.`,
  );
}

/** The protocol's estimate of a chunk's size on its way. */
export function chunkBytes(chunk: ModelInputChunk, bytesPerToken: number): number {
  switch (chunk.type) {
    case 'encoded_text':
      return bytesPerToken * chunk.tokens.length;
    case 'image':
      return chunk.data.length;
    case 'image_asset_pointer':
      return chunk.location.length;
    case 'dmel':
      return chunk.dmel.length;
  }
}

function checkImage(
  { format, expectedTokens }: ImageChunk | ImageAssetPointerChunk,
  index: number,
): number | undefined {
  const formats: readonly string[] = ['png', 'jpeg'];
  if (!formats.includes(format)) throw invalidArgument(`png or jpeg as format of chunks[${index}]`, format);
  if (expectedTokens !== undefined && !(Number.isInteger(expectedTokens) && expectedTokens >= 0)) {
    throw invalidArgument(`expectedTokens of chunks[${index}] to be an integer ≥ 0`, expectedTokens);
  }
  return expectedTokens;
}

/** Stands before a tensor whose elements are all the same. */
const CONSTANT_TENSOR = 254;
const LAST_DTYPE = 7;

/** The first size of a tensor in a container: after a byte for its type come the number of its axes and their sizes. */
function tensorLength(bytes: Uint8Array): number {
  let at = bytes[0] === CONSTANT_TENSOR ? 1 : 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 49) return NaN;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const dtype = bytes[at++] ?? NaN;
  const axes = varint();
  const length = axes > 0 ? varint() : NaN;
  if (dtype <= LAST_DTYPE && length >= 0) return length;
  throw invalidArgument('dmel to hold a tensor of at least one axis', bytes);
}
