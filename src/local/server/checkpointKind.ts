/** The two kinds of checkpoints, by the segment of their path. */
export type CheckpointKind = 'weights' | 'sampler_weights';

/** The kinds as listings call them. */
export const checkpointTypes = {
  weights: 'training',
  sampler_weights: 'sampler',
} as const satisfies Record<CheckpointKind, string>;
