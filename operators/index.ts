export { type ByteBudgetOptions, byteBudget } from './byteBudget.js';
export { type ChunkLimits, type TokenCounted, chunkData, splitIntoChunks } from './chunkData.js';
export { type DebounceQueueStateOptions, type QueueNotice, debounceQueueState } from './debounceQueueState.js';
export { type NotReady, type PollUntilReadyOptions, pollUntilReady } from './pollUntilReady.js';
export {
  type Metrics,
  type PassOutput,
  type WeightedMetrics,
  reduceMetricMaps,
  reduceMetrics,
} from './reduceMetrics.js';
export { type RetryDecision, type RetryTransientOptions, retryTransient } from './retryTransient.js';
export { type SendInOrderOptions, sendInOrder } from './sendInOrder.js';
