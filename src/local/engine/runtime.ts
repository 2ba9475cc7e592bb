import { describe, TinkerError } from '../../errors.js';
import type { Node } from '../../graph/index.js';
import type { EngineTensor } from './engine.js';

/** Tensors by name. */
export type Tensors = Readonly<Record<string, EngineTensor>>;

/**
 * A result as the engine's tensor.
 *
 * @throws TinkerError `server_error` where a runtime gave another type of number.
 */
export function toEngineTensor(name: string, data: unknown, shape: readonly number[]): EngineTensor {
  if (data instanceof Float32Array || data instanceof Int32Array) return { data, shape };
  throw new TinkerError('server_error', `Expected float32 or int32 numbers as ${name}, got ${describe(data)}.`);
}

/** A compiled graph. */
export interface Program {
  /** Computes the outputs from the inputs; the inputs are not kept. */
  run(inputs: Tensors): Promise<Tensors>;
}

/** What runs graphs. */
export interface Runtime {
  /** What computes, in a line. */
  readonly description: string;
  /** Prepares the graph of these outputs. Inputs given as constants are fixed, which can be quicker and costs a copy. */
  compile(outputs: Readonly<Record<string, Node>>, constants?: Tensors): Promise<Program>;
}

/** Which runtime to take: `auto` is the first of onnxruntime-node, onnxruntime-web and plain that is there. */
export type RuntimeName = 'auto' | 'onnxruntime-node' | 'onnxruntime-web' | 'plain';
