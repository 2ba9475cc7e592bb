import { adapterTensors, type LoraLayout } from './loraLayout.js';
import type { KeyValueCache } from './keyValueCache.js';
import type { LoadedModel } from './loadedModel.js';
import { samplingGraph } from './model.js';
import { rotaryAngles } from './positions.js';
import type { KeptCaches, Program, RuntimeInputs, Tensors } from './runtime.js';

/** Multiplications of a pass's largest product up to which threads cost more than they bring. */
const smallProducts = 2 ** 21;
/** Positions are given angles so many at a time. */
const angleStep = 256;

/** The adapter that a sampler draws with: its layout and its weights, flat. */
export interface SamplingAdapter {
  readonly layout: LoraLayout;
  readonly weights: Float32Array;
}

/** The compiled pass that continues the sequences of a cache. */
export class SamplingPass {
  readonly #program: (oneThread: boolean) => Promise<Program>;
  readonly #weights: () => Promise<RuntimeInputs>;
  #kept?: KeptCaches | undefined;
  #angles: Tensors = {};

  constructor(
    private readonly base: LoadedModel,
    adapter: SamplingAdapter | undefined,
  ) {
    const { config } = base.model;
    const layout = adapter?.layout;
    const key = `sample ${JSON.stringify(layout?.matrices.map(({ name, shape }) => [name, shape]) ?? null)}`;
    this.#program = (oneThread) => base.program(key, () => samplingGraph(config, layout), { oneThread });
    const lora = adapter === undefined ? {} : adapterTensors(adapter.layout, adapter.weights);
    let held: Promise<RuntimeInputs> | undefined;
    this.#weights = () => (held ??= base.hold(lora).then(() => ({ ...base.weights, ...lora })));
  }

  /**
   * Adds tokens to every row of the cache.
   *
   * @param tokens - [rows, added], flat.
   * @param wanted - Flat indices of the tokens after which the distribution is asked for.
   * @returns For each wanted index the log-softmax of the raw logits of the next token.
   */
  async run(cache: KeyValueCache, tokens: Int32Array, wanted: Int32Array): Promise<Float32Array[]> {
    const { config } = this.base.model;
    const rows = cache.lengths.length;
    const added = tokens.length / rows;
    const positions = Int32Array.from(tokens, (_, i) => (cache.lengths[Math.floor(i / added)] ?? 0) + (i % added));
    const products = tokens.length * config.hiddenSize * config.ffnSize;
    const program = await this.#program(products < smallProducts);
    // Sequences that are continued token by token keep their cache on a device; a prompt is read in few passes.
    const keeper = added === 1 ? cache : undefined;
    const feeds = {
      ...(await this.#weights()),
      ...cache.inputs(added, keeper !== undefined && program.kept?.has(keeper)),
      ...(await this.#anglesOf(Math.max(...cache.lengths) + added)),
      tokens: { data: tokens, shape: [rows, added] },
      wanted: { data: wanted, shape: [wanted.length] },
      positions: { data: positions, shape: [rows, added] },
    };
    const results = await program.run(feeds, keeper);
    if (keeper !== undefined) this.#kept = program.kept;
    cache.append(results, added);
    const logprobs = results.logprobs?.data;
    if (!(logprobs instanceof Float32Array)) throw new RangeError('The pass gave no logprobs.');
    const size = config.vocabularySize;
    return Array.from(wanted, (_, row) => logprobs.subarray(row * size, (row + 1) * size));
  }

  /** Drops what a device keeps of a cache. */
  drop(cache: KeyValueCache): void {
    this.#kept?.drop(cache);
  }

  /** The angles of so many positions or more; the same objects as before where those suffice. */
  async #anglesOf(positions: number): Promise<Tensors> {
    if ((this.#angles.cos?.shape[0] ?? 0) >= positions) return this.#angles;
    const angles = { ...rotaryAngles(this.base.model.config, Math.ceil(positions / angleStep) * angleStep) };
    await this.base.hold(angles);
    return (this.#angles = angles);
  }
}
