import type { Node } from '../../graph/index.js';
import { loadWeights, type BaseModel } from './baseModel.js';
import type { Program, Runtime, Tensors } from './runtime.js';

/** Bytes of weights of which every compiled graph may hold a copy. */
const largestFixed = 2 ** 24;
/** Compiled graphs that are kept: losses that come as data must not add up without end. */
const mostPrograms = 64;

/** A base model in memory with the graphs compiled for it, shared by its adapters and samplers. */
export class LoadedModel {
  readonly weights: Tensors;
  readonly #bytes: number;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(
    readonly model: BaseModel,
    private readonly runtime: Runtime,
  ) {
    this.weights = loadWeights(model);
    this.#bytes = Object.values(this.weights).reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  /**
   * The program of a graph, compiled at the first call with this key; a failed compilation is not kept. Small weights
   * are built in, which spares the runtime their repacking at each pass; large ones stay inputs, held once.
   */
  program(key: string, build: () => Readonly<Record<string, Node>>): Promise<Program> {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#programs.keys();
    if (oldest !== undefined && this.#programs.size >= mostPrograms) this.#programs.delete(oldest);
    const program = this.runtime.compile(build(), this.#bytes <= largestFixed ? this.weights : {});
    this.#programs.set(key, program);
    program.catch(() => this.#programs.delete(key));
    return program;
  }
}
