import type { Node } from '../../graph/index.js';
import { loadWeights, type BaseModel } from './baseModel.js';
import type { Program, Runtime, Tensors } from './runtime.js';

/** A base model in memory with the graphs compiled for it, shared by its adapters and samplers. */
export class LoadedModel {
  readonly weights: Tensors;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(
    readonly model: BaseModel,
    private readonly runtime: Runtime,
  ) {
    this.weights = loadWeights(model);
  }

  /** The program of a graph, compiled at the first call with this key; a failed compilation is not kept. */
  program(key: string, build: () => Readonly<Record<string, Node>>): Promise<Program> {
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const program = this.runtime.compile(build());
    this.#programs.set(key, program);
    program.catch(() => this.#programs.delete(key));
    return program;
  }
}
