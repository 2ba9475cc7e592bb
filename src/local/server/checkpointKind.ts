/** The kinds of checkpoints, by the segment of their path. */
export const checkpointKinds = ['weights', 'sampler_weights', 'external_weights'] as const;
export type CheckpointKind = (typeof checkpointKinds)[number];

/** The kinds as listings call them. */
export const checkpointTypes = {
  weights: 'training',
  sampler_weights: 'sampler',
  external_weights: 'external',
} as const satisfies Record<CheckpointKind, string>;
