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

/** A type in which a matrix can lie in memory; it is widened to float32 where it is used. */
export type StoredPrecision = 'float16' | 'int8';

/** An input of a graph: float32, int32, the bits of float16, or int8, whose scales are an input of their own. */
export type StoredInput =
  | (EngineTensor & { readonly type?: undefined })
  | { readonly type: 'float16'; readonly data: Uint16Array; readonly shape: readonly number[] }
  | { readonly type: 'int8'; readonly data: Int8Array; readonly shape: readonly number[] };

/** Inputs by name. */
export type RuntimeInputs = Readonly<Record<string, StoredInput>>;

/** A compiled graph. */
export interface Program {
  /**
   * Computes the outputs from the inputs; the inputs are not kept. With a keeper, inputs that hold a cache may be left
   * out where {@link KeptCaches} has it: they are then what they were after the keeper's last run.
   */
  run(inputs: RuntimeInputs, keeper?: object): Promise<Tensors>;
  /** Missing: inputs must all be given. */
  readonly kept?: KeptCaches;
}

/** Caches that stay on a device from run to run. */
export interface KeptCaches {
  has(keeper: object): boolean;
  drop(keeper: object): void;
}

/** Which inputs of a graph lie in memory in another type than float32. */
export type StoredPrecisions = ReadonlyMap<string, StoredPrecision>;

/** What runs graphs. */
export interface Runtime {
  /** What computes, in a line. */
  readonly description: string;
  /** Threads that a graph runs on unless it is compiled for one. */
  readonly threads: number;
  /** Bytes of weights of which every prepared graph may hold a copy. */
  readonly fixedBytes: number;
  /** Types that matrices among the inputs can have beside float32. */
  readonly stores: readonly StoredPrecision[];
  /** Copies inputs that stay the same to where graphs run, once for all runs that are given the same objects. */
  hold?(inputs: RuntimeInputs): Promise<void>;
  /** Prepares the graph of these outputs. */
  compile(outputs: Readonly<Record<string, Node>>, options?: CompileOptions): Promise<Program>;
}

/** How a graph is prepared. */
export interface CompileOptions {
  /** Inputs that are fixed, which can be quicker and costs a copy. */
  readonly constants?: Tensors;
  readonly stored?: StoredPrecisions;
  /** Inputs of known sizes that are other arrays at each run. */
  readonly changing?: readonly string[];
  /** Whether it runs on one thread: the quickest where its products are small. */
  readonly oneThread?: boolean;
}

/** Which runtime to take: `auto` is the first of onnxruntime-node, onnxruntime-web and plain that is there. */
export type RuntimeName = 'auto' | 'onnxruntime-node' | 'onnxruntime-web' | 'plain';

/** A device that a runtime computes on. */
export type Device = 'cpu' | 'webgpu' | 'cuda';
