/** Parameters of an optimizer step by step; steps count from 0. */
export type Schedule<A> = (step: number) => A;

/** Optimizer parameters with a learning rate. */
export interface WithLearningRate {
  readonly learningRate: number;
}
