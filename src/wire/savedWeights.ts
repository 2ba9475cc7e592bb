import * as s from './schema.js';
import { optional } from './optional.js';

/** A saved training state. */
export interface SavedState {
  /** `tinker://<run>/weights/<name>`; some servers leave out the kind. */
  readonly path: string;
}

/** JSON form of {@link SavedState}. */
export const savedStateSchema = s.transform(s.object({ path: s.string() }), (saved): SavedState => saved);

/** Weights saved for sampling: under a path, or for one sampling session that lives as long as the session. */
export type SavedSamplerWeights =
  { readonly kind: 'path'; readonly path: string } | { readonly kind: 'session'; readonly samplingSessionId: string };

/** JSON form of {@link SavedSamplerWeights}: the session wins where a server sends both. */
export const savedSamplerWeightsSchema = s.transform(
  s.object({ path: optional(s.string()), sampling_session_id: optional(s.string()) }),
  ({ path, sampling_session_id: samplingSessionId }, context): SavedSamplerWeights => {
    if (samplingSessionId !== undefined) return { kind: 'session', samplingSessionId };
    if (path !== undefined) return { kind: 'path', path };
    return context.refuse('Expected path or sampling_session_id');
  },
);

/** Result of load_weights: a live model answers its path, a created one its id. */
export const loadedWeightsSchema = s.transform(
  s.object({ path: optional(s.string()), model_id: optional(s.string()) }),
  ({ path, model_id: modelId }): { readonly path?: string; readonly modelId?: string } => ({
    ...(path === undefined ? {} : { path }),
    ...(modelId === undefined ? {} : { modelId }),
  }),
);
