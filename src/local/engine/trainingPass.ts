import type { Node } from '../../graph/index.js';
import { addGradient } from './addGradient.js';
import type { EngineDatum, EngineTensor, ForwardBackwardJob, LoraShape } from './engine.js';
import { findLoss } from './checkForwardBackward.js';
import type { LoadedModel } from './loadedModel.js';
import { matrixNames, type LoraLayout } from './loraLayout.js';
import { positionMask, type Loss } from './losses.js';
import { type MicroBatch, planMicroBatches } from './microBatches.js';
import { columnName, trainingGraph } from './model.js';
import { notFinite } from './notFinite.js';
import { positionFeeds } from './positionFeeds.js';
import type { Tensors } from './runtime.js';

/** One compiled pass, forward or forward and backward, over micro-batches of a job. */
export class TrainingPass {
  readonly #loss: Loss;
  /** Targets a position of passes that compute the insides of layers anew in their backward half. */
  readonly #recomputing = new Set<number>();
  readonly #graph: (columns: number) => readonly [key: string, build: () => Readonly<Record<string, Node>>];
  #total = 0;

  constructor(
    private readonly base: LoadedModel,
    lora: LoraShape,
    private readonly layout: LoraLayout,
    private readonly job: ForwardBackwardJob,
  ) {
    this.#loss = findLoss(job.loss);
    const { rank, trainAttention, trainMlp, trainUnembedding } = lora;
    const form = [job.loss, job.backward, rank, trainAttention, trainMlp, trainUnembedding];
    const { config } = base.model;
    this.#graph = (columns) => {
      const recompute = this.#recomputing.has(columns);
      return [
        JSON.stringify([...form, columns, recompute]),
        () => trainingGraph(config, layout, this.#loss, job.backward, columns, recompute),
      ];
    };
  }

  /**
   * Which data run together: those with equally many targets a position, as many as fit into memory. Where the longest
   * does not fit alone, the pass recomputes layers.
   */
  plan(): MicroBatch[] {
    const groups = new Map<number, number[]>();
    this.job.data.forEach((datum, index) => {
      const columns = columnsOf(datum);
      groups.set(columns, [...(groups.get(columns) ?? []), index]);
    });
    return [...groups].flatMap(([columns, indices]) => {
      const lengths = indices.map((index) => this.#datum(index).tokens.length);
      if (this.job.backward && !this.base.fits(...this.#graph(columns), Math.max(...lengths)))
        this.#recomputing.add(columns);
      return planMicroBatches(lengths, this.base.rowsThatFit(...this.#graph(columns))).map((batch) => ({
        ...batch,
        indices: batch.indices.map((place) => indices[place] ?? 0),
      }));
    });
  }

  /**
   * Runs a micro-batch with these adapter matrices and adds its gradient to `gradient`.
   *
   * @returns The logprobs and losses of each of its data, shaped like the datum's targets.
   * @throws TinkerError `bad_request` where a loss is not finite.
   */
  async run(batch: MicroBatch, adapter: Tensors, gradient: Float32Array): Promise<Tensors[]> {
    const columns = columnsOf(this.#datum(batch.indices[0] ?? 0));
    const program = await this.base.program(...this.#graph(columns), { changing: matrixNames(this.layout) });
    const results = await program.run({ ...this.base.weights, ...adapter, ...this.#inputs(batch, columns) });
    const outputs = batch.indices.map((index, row) => {
      const datum = this.#datum(index);
      const length = datum.tokens.length;
      const shape = datum.inputs.target_tokens?.shape ?? [length];
      const cut = (name: string): EngineTensor => {
        const data = new Float32Array(length * columns);
        for (let column = 0; column < columns; column++) {
          const values = results[columnName(name, column)]?.data ?? new Float32Array();
          for (let i = 0; i < length; i++) data[i * columns + column] = values[row * batch.length + i] ?? 0;
        }
        return { data, shape };
      };
      const loss = cut('losses');
      const bad = loss.data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const position = String(Math.floor(bad / columns));
        throw notFinite(`the loss of data[${String(index)}] at position ${position}`, loss.data[bad]);
      }
      for (const value of loss.data) this.#total += value;
      return { logprobs: cut('targetLogprobs'), elementwise_loss: loss };
    });
    if (this.job.backward) addGradient(this.layout, results, gradient);
    return outputs;
  }

  /** The loss over all data, and how many positions they have. */
  metrics(): Readonly<Record<string, number>> {
    const positions = this.job.data.reduce((total, { tokens }) => total + tokens.length, 0);
    return { 'loss:sum': this.#total, 'num_tokens:sum': positions };
  }

  #inputs({ indices, length }: MicroBatch, columns: number): Tensors {
    const { inputs, optionalInputs, config } = this.#loss;
    const shape = [indices.length, length];
    const floats = (read: (datum: EngineDatum) => ArrayLike<number> | undefined, missing: number, column: number) => {
      const data = new Float32Array(indices.length * length);
      indices.forEach((index, row) => {
        const datum = this.#datum(index);
        const given = read(datum);
        for (let i = 0; i < datum.tokens.length; i++)
          data[row * length + i] = given === undefined ? missing : (given[i * columns + column] ?? 0);
      });
      return { data, shape };
    };
    const integers = (read: (datum: EngineDatum) => ArrayLike<number>, stride: number, column: number) => {
      const data = new Int32Array(indices.length * length);
      indices.forEach((index, row) => {
        const datum = this.#datum(index);
        const given = read(datum);
        for (let i = 0; i < datum.tokens.length; i++) data[row * length + i] = given[i * stride + column] ?? 0;
      });
      return { data, shape };
    };
    const feeds: Record<string, EngineTensor> = {
      tokens: integers(({ tokens }) => tokens, 1, 0),
      [positionMask]: floats(() => undefined, 1, 0),
      ...positionFeeds(this.base.model.config, indices.length, length),
    };
    for (let column = 0; column < columns; column++) {
      const feed = (name: string, missing: number): void => {
        feeds[columnName(name, column)] = floats((datum) => datum.inputs[name]?.data, missing, column);
      };
      feeds[columnName('targets', column)] = integers(
        (datum) => datum.inputs.target_tokens?.data ?? [],
        columns,
        column,
      );
      for (const name of inputs) feed(name, 0);
      for (const [name, missing] of Object.entries(optionalInputs)) feed(name, missing);
      for (const [name, missing] of Object.entries(config)) {
        const value = this.job.config[name];
        feed(name, typeof value === 'number' ? value : (missing ?? 0));
      }
    }
    return feeds;
  }

  #datum(index: number): EngineDatum {
    const datum = this.job.data[index];
    if (datum === undefined) throw new RangeError(`The job has no datum ${String(index)}.`);
    return datum;
  }
}

/** Targets a position. */
function columnsOf({ inputs }: EngineDatum): number {
  return inputs.target_tokens?.shape[1] ?? 1;
}
