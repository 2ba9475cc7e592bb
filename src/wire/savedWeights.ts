import * as z from 'zod/mini';
import { optional } from './optional.js';
import { transform } from './transform.js';

/** A saved training state. */
export interface SavedState {
  /** `tinker://<run>/weights/<name>`; some servers leave out the kind. */
  readonly path: string;
}

/** JSON form of {@link SavedState}. */
export const savedStateSchema = transform(z.object({ path: z.string() }), (saved): SavedState => saved);

/** Weights saved for sampling: under a path, or for one sampling session that lives as long as the session. */
export type SavedSamplerWeights =
  { readonly kind: 'path'; readonly path: string } | { readonly kind: 'session'; readonly samplingSessionId: string };

/** JSON form of {@link SavedSamplerWeights}: the session wins where a server sends both. */
export const savedSamplerWeightsSchema = transform(
  z.object({ path: optional(z.string()), sampling_session_id: optional(z.string()) }),
  ({ path, sampling_session_id: samplingSessionId }, context): SavedSamplerWeights => {
    if (samplingSessionId !== undefined) return { kind: 'session', samplingSessionId };
    if (path !== undefined) return { kind: 'path', path };
    context.issues.push({ code: 'custom', message: 'Expected path or sampling_session_id', input: path });
    return z.NEVER;
  },
);

/** Result of load_weights: a live model answers its path, a created one its id. */
export const loadedWeightsSchema = transform(
  z.object({ path: optional(z.string()), model_id: optional(z.string()) }),
  ({ path, model_id: modelId }): { readonly path?: string; readonly modelId?: string } => ({
    ...(path === undefined ? {} : { path }),
    ...(modelId === undefined ? {} : { modelId }),
  }),
);
