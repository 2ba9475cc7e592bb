const specialTokens = ['<unk>', '<s>', '</s>'];
const byteTokens = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

/**
 * The tokenizer.bin of llama2.c (a SentencePiece vocabulary: pieces with scores) as a tokenizer.json of Hugging Face:
 * BPE with byte fallback, whose merges are the pairs of pieces that make a piece, best score first.
 */
export function convertTokenizer(bytes: Uint8Array): unknown {
  const pieces = readPieces(bytes);
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id]));
  const merges = pieces
    .slice(specialTokens.length + byteTokens.length)
    .flatMap(({ piece, score }) => splits(piece, ids).map((pair) => ({ pair, score })))
    .sort((a, b) => b.score - a.score)
    .map(({ pair }) => pair.join(' '));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      ...{ id, content, special: true, normalized: false },
      ...{ single_word: false, lstrip: false, rstrip: false },
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      ...{ type: 'BPE', dropout: null, unk_token: '<unk>', fuse_unk: true, byte_fallback: true, ignore_merges: false },
      ...{ continuing_subword_prefix: null, end_of_word_suffix: null },
      vocab: Object.fromEntries(ids),
      merges,
    },
  };
}

/** The longest piece's length, then of each piece its score, its length in bytes and its bytes, spaces for U+2581. */
function readPieces(bytes: Uint8Array): { readonly piece: string; readonly score: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: { readonly piece: string; readonly score: number }[] = [];
  for (let offset = 4; offset < bytes.length;) {
    const score = view.getFloat32(offset, true);
    const length = view.getInt32(offset + 4, true);
    const text = new TextDecoder().decode(bytes.subarray(offset + 8, offset + 8 + length));
    const name = [...specialTokens, ...byteTokens][pieces.length];
    pieces.push({ piece: name ?? text.replaceAll(' ', '▁'), score });
    offset += 8 + length;
  }
  return pieces;
}

/** The ways to make a piece of two others, in the order of their ids. */
function splits(piece: string, ids: ReadonlyMap<string, number>): [string, string][] {
  const letters = Array.from(piece);
  const id = (part: string): number => ids.get(part) ?? -1;
  return letters
    .slice(1)
    .map((_, index): [string, string] => [letters.slice(0, index + 1).join(''), letters.slice(index + 1).join('')])
    .filter((pair) => pair.every((part) => id(part) >= 0))
    .sort(([a, b], [c, d]) => id(a) - id(c) || id(b) - id(d));
}
