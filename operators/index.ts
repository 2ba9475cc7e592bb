export { type ByteBudgetOptions, byteBudget } from './byteBudget.js';
export { type ChunkLimits, type TokenCounted, chunkData, splitIntoChunks } from './chunkData.js';
export { type ConstantOptions, constant } from './constant.js';
export { cosineDecay } from './cosineDecay.js';
export { type DebounceQueueStateOptions, type QueueNotice, debounceQueueState } from './debounceQueueState.js';
export { everySteps } from './everySteps.js';
export { type DecayOptions, linearDecay } from './linearDecay.js';
export { movingAverage } from './movingAverage.js';
export { type NotReady, type PollUntilReadyOptions, pollUntilReady } from './pollUntilReady.js';
export {
  type Metrics,
  type PassOutput,
  type WeightedMetrics,
  reduceMetricMaps,
  reduceMetrics,
} from './reduceMetrics.js';
export { type RetryDecision, type RetryTransientOptions, retryTransient } from './retryTransient.js';
export type { Schedule, WithLearningRate } from './schedule.js';
export { type ShuffledBatchesOptions, shuffledBatches } from './shuffledBatches.js';
export { type SendInOrderOptions, sendInOrder } from './sendInOrder.js';
export { type ThroughputOptions, throughput } from './throughput.js';
export type { AnyTrainable, CustomTrainable, Optimizable, Trainable, WithMetrics } from './trainable.js';
export { trainEach } from './trainEach.js';
export { type Batch, type Batches, trainSteps } from './trainSteps.js';
export type { AfterStep, TrainStep, TrainStepsOptions } from './trainStepsOptions.js';
