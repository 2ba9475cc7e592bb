import type { BaseModel } from './baseModel.js';
import type { RuntimeName } from './runtime.js';

/** What an engine is made with. */
export interface EngineOptions {
  /** `auto` if missing: onnxruntime-node, else onnxruntime-web, else plain evaluation. */
  readonly runtime?: RuntimeName;
  /** Threads of onnxruntime; if missing as many as the machine runs at once, 8 at most. Results do not depend on it. */
  readonly threads?: number;
  /** Base models to serve; `rxtinker/tiny` if missing. */
  readonly baseModels?: readonly BaseModel[];
  /** Never continue samples of different jobs in one pass, so that a job's tokens do not depend on the others. */
  readonly deterministic?: boolean;
}
