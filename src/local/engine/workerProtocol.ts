import { TinkerError, type TinkerErrorCode, type TinkerErrorDetails } from '../../errors.js';
import type { BaseModelInfo, Engine } from './engine.js';

/** The calls of an engine that a worker answers. */
export type EngineMethod = Exclude<keyof Engine, 'baseModels' | 'runtime' | 'checkForwardBackward' | 'checkSample'>;

/** A call, to the worker. */
export interface EngineCall {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

/** An error as data. */
export interface ErrorData {
  readonly code: TinkerErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: TinkerErrorDetails;
}

/** What a worker says: first that it is ready or why not, then an answer to each call; in between what is to be logged. */
export type WorkerMessage =
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly message: string }
  | { readonly kind: 'ready'; readonly runtime: string; readonly baseModels: readonly BaseModelInfo[] }
  | { readonly kind: 'unusable'; readonly error: ErrorData }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ErrorData };

/** An error as data, to cross from one thread to another. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof TinkerError) {
    const { code, message, retryable, details } = error;
    return { code, message, retryable, details };
  }
  const message = `The engine failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  return { code: 'server_error', message, retryable: false, details: { category: 'server' } };
}

/** The error that {@link toErrorData} described. */
export function fromErrorData({ code, message, retryable, details }: ErrorData): TinkerError {
  return new TinkerError(code, message, { retryable, details });
}

/** A copy of plain data whose typed arrays own their buffers, and those buffers, to be transferred. */
export function copyForTransfer(value: unknown): { readonly copy: unknown; readonly buffers: ArrayBuffer[] } {
  const buffers: ArrayBuffer[] = [];
  const visit = (part: unknown): unknown => {
    if (part instanceof Float32Array || part instanceof Int32Array || part instanceof Uint8Array) {
      const own = part.slice();
      buffers.push(own.buffer);
      return own;
    }
    if (Array.isArray(part)) return part.map(visit);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, visit(inner)]));
  };
  return { copy: visit(value), buffers };
}
