import type { BaseModel } from './baseModel.js';
import type { Precision } from './precision.js';
import type { Device, RuntimeName } from './runtime.js';

/** What an engine is made with. */
export interface EngineOptions {
  /** `auto` if missing: onnxruntime-node, else onnxruntime-web, else plain evaluation. */
  readonly runtime?: RuntimeName;
  /** Threads of onnxruntime; if missing as many as the machine runs at once, 8 at most. Results do not depend on it. */
  readonly threads?: number;
  /** Base models to serve; `rxtinker/tiny` if missing. */
  readonly baseModels?: readonly BaseModel[];
  /**
   * Never continue samples of different jobs in one pass, and read a prompt that begins like one before in the same
   * parts as alone, so that a job's tokens do not depend on the others.
   */
  readonly deterministic?: boolean;
  /**
   * How weights of base models are kept in memory. `auto` if missing: float32, or float16 or int8 where float32 would
   * take more than half of the memory that is free. Adapters and computations are in float32 in any case.
   */
  readonly precision?: Precision | 'auto';
  /** Bytes that weights and passes may take together; if missing what is free. */
  readonly memoryLimit?: number;
  /**
   * Bytes that keys and values of prompts may take, so that prompts that begin alike are read once; 0: none are kept.
   * If missing 256 MiB, or an eighth of the memory that is free where that is less.
   */
  readonly promptCacheBytes?: number;
  /** What computes; `cpu` if missing. */
  readonly device?: Device;
}
