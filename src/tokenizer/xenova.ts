import { catchError, defer, map, type Observable } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { BuildTokenizer, TokenizerLibrary } from './huggingFace.js';
import { loadTokenizer, type LoadTokenizerOptions } from './loadTokenizer.js';
import { checkedTokenizer, type Tokenizer } from './tokenizer.js';

/** The part of a `PreTrainedTokenizer` of `@xenova/transformers` in use. */
export interface XenovaTokenizer {
  /** Text to tokens; there is no pair. */
  encode(text: string, pair: null, options: { add_special_tokens: boolean }): (number | undefined)[];
  /** Tokens to text. */
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  readonly model: { readonly vocab: readonly (string | undefined)[] };
}

interface XenovaModule {
  readonly PreTrainedTokenizer: new (json: object, config: object) => XenovaTokenizer;
}

/**
 * Makes a {@link Tokenizer} of one that `@xenova/transformers` has loaded.
 *
 * @example
 * ```ts no-run
 * import { AutoTokenizer } from '@xenova/transformers';
 * const tokenizer = fromXenova(await AutoTokenizer.from_pretrained('Xenova/gpt2'), 'Xenova/gpt2');
 * ```
 */
export function fromXenova(tokenizer: XenovaTokenizer, id: string): Tokenizer {
  return checkedTokenizer(id, {
    vocabulary: tokenizer.model.vocab,
    encode: (text) => tokenizer.encode(text, null, { add_special_tokens: false }),
    decode: (ids) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false }),
  });
}

/** Not a literal, so that bundlers of programs without this optional package do not look for it. */
const packageName = ['@xenova', 'transformers'].join('/');

/** `@xenova/transformers`, an optional peer dependency that is loaded at the first use. */
export const xenova: TokenizerLibrary = {
  name: 'xenova',
  load: () =>
    defer(() => import(/* @vite-ignore */ packageName) as Promise<XenovaModule>).pipe(
      map(
        (library): BuildTokenizer =>
          (json, id) =>
            fromXenova(new library.PreTrainedTokenizer(withPlainMerges(json), {}), id),
      ),
      catchError((cause: unknown) => {
        throw new TinkerError(
          'tokenizer_unavailable',
          'Expected the optional package @xenova/transformers, which could not be imported. ' +
            'Install it with "npm install @xenova/transformers", or use the default, @huggingface/tokenizers.',
          { cause },
        );
      }),
    ),
};

/** {@link loadTokenizer} with `@xenova/transformers` as the library. */
export function xenovaTokenizer(
  id: string,
  options: Omit<LoadTokenizerOptions, 'library'> = {},
): Observable<Tokenizer> {
  return loadTokenizer(id, { ...options, library: xenova });
}

/** Merges as `"a b"` in place of `["a", "b"]`, the newer form, which `@xenova/transformers` misreads. */
function withPlainMerges(json: object): object {
  if (!('model' in json) || typeof json.model !== 'object' || json.model === null) return json;
  const { model } = json;
  if (!('merges' in model) || !Array.isArray(model.merges)) return json;
  const merges = model.merges.map((merge: unknown) => {
    if (!Array.isArray(merge)) return merge;
    if (merge.some((part) => String(part).includes(' '))) {
      throw new Error('a merge holds a space, which only @huggingface/tokenizers can read');
    }
    return merge.join(' ');
  });
  return { ...json, model: { ...model, merges } };
}
