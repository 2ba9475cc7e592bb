import { addGradient } from './addGradient.js';
import type { EngineDatum, EngineTensor, ForwardBackwardJob, LoraShape } from './engine.js';
import { findLoss } from './checkForwardBackward.js';
import type { LoadedModel } from './loadedModel.js';
import type { LoraLayout } from './loraLayout.js';
import { positionMask, type Loss } from './losses.js';
import { type MicroBatch, planMicroBatches } from './microBatches.js';
import { trainingGraph } from './model.js';
import { notFinite } from './notFinite.js';
import { positionFeeds } from './positionFeeds.js';
import type { Program, Tensors } from './runtime.js';

/** One compiled pass, forward or forward and backward, over micro-batches of a job. */
export class TrainingPass {
  readonly #loss: Loss;
  readonly #program: Promise<Program>;
  #total = 0;

  constructor(
    private readonly base: LoadedModel,
    private readonly lora: LoraShape,
    private readonly layout: LoraLayout,
    private readonly job: ForwardBackwardJob,
  ) {
    this.#loss = findLoss(job.loss);
    const { rank, trainAttention, trainMlp, trainUnembedding } = lora;
    const key = JSON.stringify([job.loss, job.backward, rank, trainAttention, trainMlp, trainUnembedding]);
    this.#program = base.program(key, () => trainingGraph(base.model.config, layout, this.#loss, job.backward));
  }

  /** Which data run together. */
  plan(): MicroBatch[] {
    return planMicroBatches(this.job.data.map(({ tokens }) => tokens.length));
  }

  /**
   * Runs a micro-batch with these adapter matrices and adds its gradient to `gradient`.
   *
   * @returns The logprobs and losses of each of its data, cut to the datum's length.
   * @throws TinkerError `bad_request` where a loss is not finite.
   */
  async run(batch: MicroBatch, adapter: Tensors, gradient: Float32Array): Promise<Tensors[]> {
    const program = await this.#program;
    const results = await program.run({ ...this.base.weights, ...adapter, ...this.#inputs(batch) });
    const outputs = batch.indices.map((index, row) => {
      const length = this.#datum(index).tokens.length;
      const cut = (name: string): EngineTensor => ({
        data: (results[name]?.data ?? new Float32Array()).slice(row * batch.length, row * batch.length + length),
        shape: [length],
      });
      const loss = cut('losses');
      const bad = loss.data.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw notFinite(`the loss of data[${String(index)}] at position ${String(bad)}`, loss.data[bad]);
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

  #inputs({ indices, length }: MicroBatch): Tensors {
    const { inputs, optionalInputs, config } = this.#loss;
    const shape = [indices.length, length];
    const fill = (
      data: Float32Array | Int32Array,
      write: (datum: EngineDatum, start: number) => void,
    ): EngineTensor => {
      indices.forEach((index, row) => {
        write(this.#datum(index), row * length);
      });
      return { data, shape };
    };
    const floats = (name: string, missing: number): EngineTensor => {
      const data = new Float32Array(indices.length * length);
      return fill(data, (datum, start) => {
        const given = datum.inputs[name];
        if (given === undefined) data.fill(missing, start, start + datum.tokens.length);
        else data.set(given.data, start);
      });
    };
    const tokens = new Int32Array(indices.length * length);
    const targets = new Int32Array(indices.length * length);
    const feeds: Record<string, EngineTensor> = {
      tokens: fill(tokens, (datum, start) => {
        tokens.set(datum.tokens, start);
      }),
      targets: fill(targets, (datum, start) => {
        targets.set(datum.inputs.target_tokens?.data ?? [], start);
      }),
      [positionMask]: floats(positionMask, 1),
      ...positionFeeds(this.base.model.config, length),
    };
    for (const name of inputs) feeds[name] = floats(name, 0);
    for (const [name, missing] of Object.entries(optionalInputs)) feeds[name] = floats(name, missing);
    for (const [name, missing] of Object.entries(config)) {
      const value = this.job.config[name];
      feeds[name] = floats(name, typeof value === 'number' ? value : (missing ?? 0));
    }
    return feeds;
  }

  #datum(index: number): EngineDatum {
    const datum = this.job.data[index];
    if (datum === undefined) throw new RangeError(`The job has no datum ${String(index)}.`);
    return datum;
  }
}
