import type { TinkerError } from '../errors.js';

/** Whether the server works on a model's operations, and why not. */
export interface QueueState {
  readonly state: 'active' | 'paused_rate_limit' | 'paused_capacity' | 'unknown';
  /** The server's words, where it gives any. */
  readonly reason?: string;
}

/** Where an operation stands. `chunk` counts from 1. */
export type OperationProgress =
  | { readonly type: 'queued' }
  | { readonly type: 'chunk'; readonly chunk: number; readonly chunks: number; readonly seqId: number }
  | { readonly type: 'sent'; readonly seqIds: readonly number[] }
  | ({ readonly type: 'queueState' } & QueueState)
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: TinkerError };
