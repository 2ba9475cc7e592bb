import { invalidArgument } from '../errors.js';
import {
  type AdamParams,
  type OptimStepOutput,
  type SavedSamplerWeights,
  type SavedState,
  loadedWeightsSchema,
  optimStepOutputSchema,
  savedSamplerWeightsSchema,
  savedStateSchema,
  toWireAdamParams,
} from '../wire/index.js';
import { checkCheckpointName } from './checkpointName.js';
import type { LaneRequest } from './laneWork.js';
import { readJsonResult } from './readJsonResult.js';
import type { Session } from './session.js';
import { checkTinkerPath } from './tinkerPath.js';
import type { LoadStateOptions, SaveStateOptions, SaveWeightsOptions } from './trainingOptions.js';

/** The request of one optimizer step. */
export function optimStepRequest(modelId: string, adamParams: AdamParams): LaneRequest<OptimStepOutput> {
  const adam_params = toWireAdamParams(adamParams);
  return {
    type: 'optim_step',
    requestType: 'OptimStep',
    path: '/api/v1/optim_step',
    body: (seq_id) => ({ model_id: modelId, seq_id, type: 'optim_step', adam_params }),
    read: readJsonResult(optimStepOutputSchema, 'optim_step'),
    metrics: (output) => output.metrics,
  };
}

/** The request that saves weights and optimizer under a name. */
export function saveStateRequest(modelId: string, name: string, options: SaveStateOptions): LaneRequest<SavedState> {
  checkCheckpointName(name);
  const { ttlSeconds, overwrite = false, userMetadata } = options;
  const ttl = ttlField(ttlSeconds);
  return {
    type: 'save_weights',
    requestType: 'SaveWeights',
    path: '/api/v1/save_weights',
    body: (seq_id) => ({
      model_id: modelId,
      path: name,
      seq_id,
      ...ttl,
      overwrite,
      ...(userMetadata !== undefined && { user_metadata: userMetadata }),
      type: 'save_weights',
    }),
    read: readJsonResult(savedStateSchema, 'save_weights'),
    save: { kind: 'weights', name, overwrite },
  };
}

/** The request that loads a saved state into a live model. */
export function loadStateRequest(
  modelId: string,
  path: string,
  optimizer: boolean,
  { weightsAccessToken }: LoadStateOptions,
): LaneRequest<SavedState> {
  checkTinkerPath(path);
  const read = readJsonResult(loadedWeightsSchema, 'load_weights');
  return {
    type: 'load_weights',
    requestType: 'LoadWeights',
    path: '/api/v1/load_weights',
    body: (seq_id) => ({
      model_id: modelId,
      seq_id,
      path,
      optimizer,
      ...(weightsAccessToken !== undefined && { weights_access_token: weightsAccessToken }),
      type: 'load_weights',
    }),
    read: (body) => ({ path: read(body).path ?? path }),
    cleans: true,
  };
}

/** The request that saves weights for sampling, under a path or for one sampling session. */
export function saveForSamplerRequest(
  modelId: string,
  session: Session,
  options: SaveWeightsOptions,
): LaneRequest<SavedSamplerWeights> {
  const { path, samplingSessionSeqId, ttlSeconds, kind = 'snapshot' } = options;
  if (path !== undefined) checkCheckpointName(path);
  if (path !== undefined && samplingSessionSeqId !== undefined) {
    throw invalidArgument('path or samplingSessionSeqId', 'both');
  }
  if (samplingSessionSeqId !== undefined && !(Number.isInteger(samplingSessionSeqId) && samplingSessionSeqId >= 0)) {
    throw invalidArgument('samplingSessionSeqId to be a whole number ≥ 0', samplingSessionSeqId);
  }
  if (path === undefined && ttlSeconds !== undefined) {
    throw invalidArgument('ttlSeconds with a path only', ttlSeconds, 'Weights of a sampling session end with it.');
  }
  const kinds: readonly string[] = ['snapshot', 'inflight'];
  if (!kinds.includes(kind)) throw invalidArgument("kind to be 'snapshot' or 'inflight'", kind);
  if (path !== undefined && kind === 'inflight') {
    throw invalidArgument('kind inflight without a path', path, 'Weights that have a name do not change.');
  }
  const ttl = ttlField(ttlSeconds);
  let number = samplingSessionSeqId;
  const target = (): object =>
    path === undefined
      ? { sampling_session_seq_id: (number ??= session.nextSamplingSessionSeqId()) }
      : { path, ...ttl };
  return {
    type: 'save_weights_for_sampler',
    requestType: 'SaveWeightsForSampler',
    path: '/api/v1/save_weights_for_sampler',
    body: (seq_id) => ({ model_id: modelId, ...target(), kind, seq_id, type: 'save_weights_for_sampler' }),
    read: readJsonResult(savedSamplerWeightsSchema, 'save_weights_for_sampler'),
    ...(path !== undefined && { save: { kind: 'sampler_weights', name: path } }),
  };
}

function ttlField(ttlSeconds: number | undefined): { readonly ttl_seconds?: number } {
  if (ttlSeconds === undefined) return {};
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1) {
    throw invalidArgument('ttlSeconds to be a whole number ≥ 1', ttlSeconds);
  }
  return { ttl_seconds: ttlSeconds };
}
