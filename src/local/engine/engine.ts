import type { CustomLoss } from './custom/customLoss.js';

/** A base model that an engine serves. */
export interface BaseModelInfo {
  /** The name a client asks for, e.g. `rxtinker/tiny`. */
  readonly name: string;
  readonly architecture: string;
  /** Longest sequence, in tokens. */
  readonly maxContextLength: number;
  /** Tokens are integers from 0 to vocabularySize − 1. */
  readonly vocabularySize: number;
  /** Tokens that end a sample unless `stop` says otherwise. */
  readonly eosTokens: readonly number[];
  /** Path of its tokenizer.json. */
  readonly tokenizerFile: string;
}

/** A LoRA adapter's form. The scale is 32 / rank. */
export interface LoraShape {
  /** 1 … 512. */
  readonly rank: number;
  /** Seed of matrix A (uniform in ±1/√inputs); B starts at zero. */
  readonly seed: number;
  readonly trainAttention: boolean;
  readonly trainMlp: boolean;
  readonly trainUnembedding: boolean;
}

/** A dense tensor in row-major order. */
export interface EngineTensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** One training example: its input tokens and the tensors that its loss needs, by wire name (`target_tokens`, …). */
export interface EngineDatum {
  readonly tokens: Int32Array;
  readonly inputs: Readonly<Record<string, EngineTensor>>;
}

export interface ForwardBackwardJob {
  readonly data: readonly EngineDatum[];
  /** The name of a loss; `custom` is `customLoss`. */
  readonly loss: string;
  readonly customLoss?: CustomLoss;
  readonly config: Readonly<Record<string, number | string>>;
  /** False: outputs only, no gradient is accumulated. */
  readonly backward: boolean;
}

export interface ForwardBackwardResult {
  /** One record a datum; `logprobs` float32 shaped like the target tokens, and (not of a custom loss) `elementwise_loss`. */
  readonly outputs: readonly Readonly<Record<string, EngineTensor>>[];
  /** Keys `name:reduction`, e.g. `loss:sum`. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** AdamW with decoupled weight decay. Names as on the wire. */
export interface AdamWParameters {
  readonly learning_rate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
  /** 0: no clipping. */
  readonly grad_clip_norm: number;
}

/** What a checkpoint holds, as safetensors files. */
export interface AdapterState {
  readonly adapter: Uint8Array;
  /** Moments and step count; missing in weights for a sampler. */
  readonly optimizer?: Uint8Array;
}

/** Weights that samples are drawn from: a base model, alone or with an adapter. */
export interface SamplerWeights {
  readonly baseModel: string;
  readonly lora?: LoraShape;
  readonly adapter?: Uint8Array;
}

export interface SampleJob {
  readonly prompt: Int32Array;
  readonly numSamples: number;
  /** Missing: until the context is full. */
  readonly maxTokens?: number;
  /** 0: greedy. */
  readonly temperature: number;
  /** −1: all. */
  readonly topK: number;
  readonly topP: number;
  /** Missing: drawn by the server. The i-th sample of a job has its own stream derived from seed and i. */
  readonly seed?: number;
  /** Each sample ends at (and holds) the first of these tokens. */
  readonly stopTokens: readonly number[];
  /** Each sample ends, too, with the token that completes one of these texts. */
  readonly stopTexts?: StopTexts;
  readonly promptLogprobs: boolean;
  /** How many of the likeliest tokens to give for each prompt position but the first, and for each sampled token. */
  readonly promptTopK?: number;
  readonly sampleTopK?: number;
  readonly promptTargets?: PromptTargets;
  /** How many tokens to draw for each prompt position but the first, at the temperature, from all tokens. */
  readonly promptDraws?: number;
}

/** Texts in UTF-8 and what each token of the vocabulary adds to a text: bytes[starts[token] … starts[token + 1]). */
export interface StopTexts {
  readonly texts: readonly Uint8Array[];
  readonly vocabulary: { readonly bytes: Uint8Array; readonly starts: Int32Array };
}

/** Tokens to score: for prompt position i + 1 those at [starts[i] … starts[i + 1]); −1 is no token and scores 0. */
export interface PromptTargets {
  readonly tokens: Int32Array;
  readonly starts: Int32Array;
}

/** As many tokens for each position, flat, with the log-softmax of the raw logits. */
export interface TokenTable {
  readonly tokens: Int32Array;
  readonly logprobs: Float32Array;
  /** Tokens a position. */
  readonly width: number;
}

export interface SampledSequence {
  readonly tokens: Int32Array;
  /** Log-softmax of the raw logits at each sampled token, whatever the temperature, top-k and top-p. */
  readonly logprobs: Float32Array;
  readonly stopReason: 'stop' | 'length';
  /** The likeliest tokens at each sampled one, likeliest first. */
  readonly top?: TokenTable;
}

export interface SampleResult {
  readonly sequences: readonly SampledSequence[];
  /** Leading tokens of the prompt that were not read anew, since a prompt before began with them. */
  readonly promptCacheHitTokens: number;
  /** One for each prompt token but the first. */
  readonly promptLogprobs?: Float32Array;
  /** Likewise the likeliest tokens, likeliest first, and those drawn. */
  readonly promptTop?: TokenTable;
  readonly promptDraws?: TokenTable;
  /** Shaped like the tokens of the targets. */
  readonly promptTargets?: Float32Array;
}

/**
 * What the server computes with. Calls of one model are executed in the order of the calls; a call that fails leaves
 * the model as it was. Rejections are `TinkerError`s: `invalid_argument` or `bad_request` where the caller is at fault.
 */
export interface Engine {
  readonly baseModels: readonly BaseModelInfo[];
  /** What computes, in a line, e.g. `onnxruntime-node 1.30.0, cpu, 2 threads`. */
  readonly runtime: string;
  createModel(modelId: string, baseModel: string, lora: LoraShape): Promise<void>;
  /** Throws at once when a datum can't be executed (a token outside the vocabulary, lengths that differ, …). */
  checkForwardBackward(baseModel: string, job: ForwardBackwardJob): void;
  forwardBackward(modelId: string, job: ForwardBackwardJob): Promise<ForwardBackwardResult>;
  /** Applies the gradient accumulated since the last step and clears it. Metrics: `grad_norm:mean` before clipping, …. */
  optimStep(
    modelId: string,
    parameters: AdamWParameters,
  ): Promise<{ readonly metrics: Readonly<Record<string, number>> }>;
  saveState(modelId: string, options: { readonly optimizer: boolean }): Promise<AdapterState>;
  /** Replaces the weights; the optimizer's state too if given, else it is reset. Clears the accumulated gradient. */
  loadState(modelId: string, state: AdapterState): Promise<void>;
  unloadModel(modelId: string): Promise<void>;
  createSampler(samplerId: string, weights: SamplerWeights): Promise<void>;
  removeSampler(samplerId: string): Promise<void>;
  /** Throws at once when a sample can't be drawn (an empty prompt, a token outside the vocabulary, …). */
  checkSample(baseModel: string, job: SampleJob): void;
  sample(samplerId: string, job: SampleJob): Promise<SampleResult>;
  close(): Promise<void>;
}
