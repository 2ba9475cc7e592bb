/** The sizes of a Llama-style decoder. */
export interface DecoderConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; divides `heads`. */
  readonly kvHeads: number;
  /** Even. */
  readonly headDim: number;
  readonly ffnSize: number;
  readonly ropeTheta: number;
  readonly normEps: number;
  /** Whether the embedding is the unembedding too. */
  readonly tiedEmbeddings: boolean;
  /** Longest sequence, in tokens. */
  readonly contextLength: number;
}
