export type { Fetcher } from './hub.js';
export { type BuildTokenizer, huggingFace, type TokenizerLibrary } from './huggingFace.js';
export { loadTokenizer, type LoadTokenizerOptions, type TokenizerCache } from './loadTokenizer.js';
export { type RawTokenizer, checkedTokenizer, type Tokenizer } from './tokenizer.js';
export { pinnedRevision, tokenizerId } from './tokenizerId.js';
export { fromXenova, xenova, xenovaTokenizer, type XenovaTokenizer } from './xenova.js';
