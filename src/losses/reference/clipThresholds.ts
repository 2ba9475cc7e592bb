/** Bounds of the ratio of probabilities (not distances from 1, which other libraries call epsilon). */
export interface ClipThresholds {
  readonly clipLowThreshold?: number;
  readonly clipHighThreshold?: number;
}
