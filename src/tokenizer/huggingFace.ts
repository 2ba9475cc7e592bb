import { defer, map, type Observable } from 'rxjs';
import { checkedTokenizer, type Tokenizer } from './tokenizer.js';

/** Makes a tokenizer of the parsed content of a `tokenizer.json`; throws where it cannot read it. */
export type BuildTokenizer = (json: object, id: string) => Tokenizer;

/** A library that reads `tokenizer.json`. */
export interface TokenizerLibrary {
  /** Its name, part of the key under which tokenizers are cached. */
  readonly name: string;
  /** Loads its code at the first use; errors with code `tokenizer_unavailable` where it is not installed. */
  load(): Observable<BuildTokenizer>;
}

/** The part of `@huggingface/tokenizers` in use; its own types do not resolve under NodeNext. */
interface HuggingFaceTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: (number | undefined)[] };
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  readonly model: { readonly vocab: readonly (string | undefined)[] };
}

interface HuggingFaceModule {
  readonly Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer;
}

/** `@huggingface/tokenizers`: reads every current `tokenizer.json`, and is loaded at the first use. */
export const huggingFace: TokenizerLibrary = {
  name: 'huggingface',
  load: () =>
    defer(() => import('@huggingface/tokenizers')).pipe(
      map(
        (library: HuggingFaceModule): BuildTokenizer =>
          (json, id) =>
            fromHuggingFace(new library.Tokenizer(json, {}), id),
      ),
    ),
};

function fromHuggingFace(tokenizer: HuggingFaceTokenizer, id: string): Tokenizer {
  return checkedTokenizer(id, {
    vocabulary: tokenizer.model.vocab,
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false }),
  });
}
