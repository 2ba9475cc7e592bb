import { TinkerError } from '../../errors.js';
import type { Node } from '../../graph/index.js';
import { eachWeight, type BaseModel } from './baseModel.js';
import type { EngineLog } from './engineLog.js';
import { keyValueBytes } from './keyValueCache.js';
import { MemoryGauge } from './memoryGauge.js';
import { passBytes } from './passBytes.js';
import { choosePrecision, lossOf, megabytes, store, type Precision } from './precision.js';
import type { CompileOptions, Program, Runtime, RuntimeInputs, StoredPrecision, Tensors } from './runtime.js';

/** Compiled graphs that are kept: losses that come as data must not add up without end. */
const mostPrograms = 64;
/** What a pass takes for each byte that it holds at once: the runtime's memory grows by doubling. */
const growth = 2;

/** How a base model is loaded. */
export interface LoadOptions {
  readonly precision?: Precision | 'auto';
  readonly memory?: MemoryGauge;
  readonly log?: EngineLog;
}

type Build = () => Readonly<Record<string, Node>>;

/** A base model in memory with the graphs compiled for it, shared by its adapters and samplers. */
export class LoadedModel {
  readonly weights: RuntimeInputs;
  readonly #bytes: number;
  readonly #memory: MemoryGauge;
  readonly #stored = new Map<string, StoredPrecision>();
  #held?: Promise<void> | undefined;
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #costs = new Map<string, ReturnType<typeof passBytes>>();

  /** @throws TinkerError `invalid_config` with the numbers where the weights do not fit into memory. */
  constructor(
    readonly model: BaseModel,
    private readonly runtime: Runtime,
    { precision: wanted = 'auto', memory = new MemoryGauge(undefined), log }: LoadOptions = {},
  ) {
    this.#memory = memory;
    const { name, config } = model;
    const precision = choosePrecision(name, config, wanted, memory.free(), ['float32', ...runtime.stores]);
    const weights: Record<string, RuntimeInputs[string]> = {};
    let [lost, all] = [0, 0];
    for (const [weight, tensor] of eachWeight(model)) {
      const kept = store(weight, tensor.data, tensor.shape, precision);
      Object.assign(weights, kept);
      if (precision === 'float32') continue;
      const loss = lossOf(weight, tensor.data, kept);
      [lost, all] = [lost + loss.lost, all + loss.all];
    }
    this.weights = weights;
    for (const [weight, { type }] of Object.entries(weights)) if (type !== undefined) this.#stored.set(weight, type);
    this.#bytes = Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0);
    memory.hold(this.#bytes);
    if (precision !== 'float32')
      log?.(
        'warn',
        `Keeping the weights of ${name} in ${precision}: ${megabytes(this.#bytes)}, off by ${(100 * Math.sqrt(lost / (all || 1))).toPrecision(2)} % (root mean square). Adapters and all that is computed stay in float32.`,
      );
  }

  /**
   * The program of a graph, compiled at the first call with this key; a failed compilation is not kept. Small weights
   * are built in, which spares the runtime their repacking at each pass; large ones stay inputs, held once.
   */
  program(
    key: string,
    build: Build,
    { oneThread = false, changing = [] }: Pick<CompileOptions, 'oneThread' | 'changing'> = {},
  ): Promise<Program> {
    const single = oneThread || this.runtime.threads === 1;
    const fullKey = single ? `${key} on one thread` : key;
    const known = this.#programs.get(fullKey);
    if (known !== undefined) return known;
    dropOldest(this.#programs);
    const fixed = this.#bytes <= this.runtime.fixedBytes && this.#stored.size === 0;
    const held = fixed ? undefined : (this.#held ??= this.runtime.hold?.(this.weights));
    const compile = (): Promise<Program> =>
      this.runtime.compile(build(), {
        constants: fixed ? floatsOf(this.weights) : {},
        stored: this.#stored,
        oneThread: single,
        changing,
      });
    const program = held === undefined ? compile() : held.then(compile);
    this.#programs.set(fullKey, program);
    program.catch(() => this.#programs.delete(fullKey));
    return program;
  }

  /** Copies inputs that stay the same for many passes to where they run, if that is elsewhere. */
  async hold(inputs: RuntimeInputs): Promise<void> {
    await this.runtime.hold?.(inputs);
  }

  /** Whether a pass of this graph can take one sequence of a length in the memory that is free. */
  fits(key: string, build: Build, length: number): boolean {
    return this.#passBytes(key, build, length) <= this.#memory.free();
  }

  /**
   * How many sequences of a length a pass of this graph can take at once in the memory that is free.
   *
   * @throws TinkerError `bad_request` with the numbers where it can't take one.
   */
  rowsThatFit(key: string, build: Build): (length: number) => number {
    const free = this.#memory.free();
    return (length) => {
      const bytes = this.#passBytes(key, build, length);
      if (bytes > free)
        throw new TinkerError(
          'bad_request',
          `Expected a pass that fits into the ${megabytes(free)} of memory that are free, got a sequence of ${String(length)} tokens, which takes about ${megabytes(bytes)}. Send shorter sequences, load the base model in a lower precision, or free memory.`,
        );
      return Math.floor(free / bytes);
    };
  }

  /** Bytes that a pass over one sequence of a length takes. */
  #passBytes(key: string, build: Build, length: number): number {
    const known = this.#costs.get(key);
    const cost = known ?? passBytes(build());
    if (known === undefined) {
      dropOldest(this.#costs);
      this.#costs.set(key, cost);
    }
    return growth * cost({ batch: 1, sequence: length });
  }

  /** How many samples of so many tokens, prompt included, can be drawn together in the memory that is free. */
  cachedRowsThatFit(tokens: number): number {
    return Math.floor(this.#memory.free() / this.#cachedRowBytes(tokens));
  }

  /** @throws TinkerError `bad_request` with the numbers where the keys and values of one sample don't fit into memory. */
  checkCachedRow(tokens: number): void {
    const [free, bytes] = [this.#memory.free(), this.#cachedRowBytes(tokens)];
    if (bytes > free)
      throw new TinkerError(
        'bad_request',
        `Expected a sample that fits into the ${megabytes(free)} of memory that are free, got one of up to ${String(tokens)} tokens, prompt included, whose keys and values take about ${megabytes(bytes)}. Ask for fewer tokens, or free memory.`,
      );
  }

  #cachedRowBytes(tokens: number): number {
    return growth * keyValueBytes(this.model.config, tokens);
  }
}

function floatsOf(weights: RuntimeInputs): Tensors {
  return Object.fromEntries(
    Object.entries(weights).flatMap(([name, tensor]) => (tensor.type === undefined ? [[name, tensor]] : [])),
  );
}

function dropOldest(kept: Map<string, unknown>): void {
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= mostPrograms) kept.delete(oldest);
}
