import type { AccessScope } from './restPaths.js';
import type { CallOptions } from './trainingOptions.js';

/** Options of calls that read what the caller may not own. */
export interface ScopeOptions extends CallOptions {
  /** Default `owned`. */
  readonly accessScope?: AccessScope;
}

/** Options of `copyWeights`. */
export interface CopyWeightsOptions extends CallOptions {
  /** The project that gets the copy; default: that of the client (`TINKER_PROJECT_ID`). */
  readonly destinationProjectId?: string;
  /** Seconds until the server may delete the copy; default: never. */
  readonly ttlSeconds?: number;
  /** Grants access to a checkpoint of somebody else's. */
  readonly weightsAccessToken?: string;
}
