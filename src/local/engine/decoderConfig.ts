/** How rotary frequencies are stretched for contexts longer than those of pre-training. */
export type RopeScaling =
  /** Positions divided by the factor. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1: long wavelengths divided by the factor, short ones kept, smoothly in between. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      /** Context of pre-training, in tokens. */
      readonly originalContextLength: number;
    };

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
  readonly ropeScaling?: RopeScaling;
  readonly normEps: number;
  /** Whether the embedding is the unembedding too. */
  readonly tiedEmbeddings: boolean;
  /** Whether queries, keys and values have biases, as in Qwen2; default no. */
  readonly queryKeyValueBias?: boolean;
  /** Whether each head's queries and keys are normalized before the rotation, as in Qwen3; default no. */
  readonly queryKeyNorm?: boolean;
  /** Longest sequence, in tokens. */
  readonly contextLength: number;
}
