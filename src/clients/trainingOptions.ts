import type { Observable } from 'rxjs';
import type { LossConfig, ModelInfo } from '../wire/index.js';
import type { ChunkLimits } from './forwardBackwardWork.js';
import type { LoadTokenizer } from './serviceContext.js';

/** What every method that takes time accepts. */
export interface CallOptions {
  /** Ends the operation for all its subscribers; what was already sent is finished. */
  readonly signal?: AbortSignal;
}

/** Options of `forward` and `forwardBackward`. */
export interface PassOptions extends CallOptions, ChunkLimits {
  /** Settings of the loss, e.g. `{ clipLowThreshold: 0.8 }`. */
  readonly lossConfig?: LossConfig;
}

/** Options of `forwardBackwardCustom`. */
export interface CustomLossOptions extends CallOptions, ChunkLimits {
  /** Whether the server may compute the loss, where it can; default true. */
  readonly upload?: boolean;
}

/** Options of `saveState`. */
export interface SaveStateOptions extends CallOptions {
  /** Seconds until the server may delete it; default: never. */
  readonly ttlSeconds?: number;
  /** Replaces a checkpoint of the same name; default false. */
  readonly overwrite?: boolean;
  readonly userMetadata?: Readonly<Record<string, string>>;
}

/** Options of `saveWeightsForSampler`: a name, or the number of a sampling session, or neither (the next number). */
export interface SaveWeightsOptions extends CallOptions {
  readonly path?: string;
  readonly samplingSessionSeqId?: number;
  readonly ttlSeconds?: number;
  /**
   * Without a path: `snapshot` (the default) keeps these weights; `inflight` is moved on to newer ones by each later
   * save of that kind, with all other inflight samplers of the model.
   */
  readonly kind?: 'snapshot' | 'inflight';
}

/** Options of `saveWeightsAndGetSamplingClient`. */
export interface SaveAndSampleOptions extends SaveWeightsOptions {
  /** Keeps what `stable_reinforce` needs of the client's samples; default false. */
  readonly recordStabilityInfo?: boolean;
}

/** Where `getTokenizer`, `encode` and `decode` take their parts from. */
export interface TokenizerOptions extends CallOptions {
  /** Loads the tokenizer of an id; default: the server's own, a local folder, or the Hugging Face hub. */
  readonly load?: LoadTokenizer;
  /** The model's info; default: asked of the server. */
  readonly info?: Observable<ModelInfo>;
}

/** Options of `loadState` and `loadStateWithOptimizer`. */
export interface LoadStateOptions extends CallOptions {
  /** Grants access to a checkpoint of somebody else's. */
  readonly weightsAccessToken?: string;
}
