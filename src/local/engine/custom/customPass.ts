import type { Node } from '../../../graph/index.js';
import { addGradient } from '../addGradient.js';
import type { EngineDatum, EngineTensor, ForwardBackwardJob, LoraShape } from '../engine.js';
import type { LoadedModel } from '../loadedModel.js';
import { matrixNames, type LoraLayout } from '../loraLayout.js';
import { type MicroBatch, planMicroBatches } from '../microBatches.js';
import { passGraph } from '../model.js';
import { notFinite } from '../notFinite.js';
import { positionFeeds } from '../positionFeeds.js';
import type { Tensors } from '../runtime.js';
import { lossFeed, lossInput } from './checkCustomLoss.js';
import type { CustomLoss } from './customLoss.js';
import { readLossGraph } from './readLossGraph.js';

const metricPrefix = 'metric.';

/**
 * One compiled pass with a loss that is given by data. A sum or a mean of such a loss knows of no padding, so that only
 * data of equal sizes run together.
 */
export class CustomPass {
  readonly #graph: readonly [key: string, build: () => Readonly<Record<string, Node>>];
  readonly #totals = new Map<string, number>();

  constructor(
    private readonly base: LoadedModel,
    lora: LoraShape,
    private readonly layout: LoraLayout,
    private readonly job: ForwardBackwardJob,
    private readonly loss: CustomLoss,
  ) {
    const { rank, trainAttention, trainMlp, trainUnembedding } = lora;
    const key = JSON.stringify([loss, job.backward, rank, trainAttention, trainMlp, trainUnembedding]);
    const build = () =>
      passGraph(base.model.config, layout, job.backward, (logprobs) => {
        const ranks = new Map(loss.inputs.map((input) => [input.name, input.rank]));
        const read = (name: string) => (name === 'logprobs' ? logprobs : lossInput(name, ranks.get(name) ?? 0));
        const { loss: losses, metrics } = readLossGraph(loss, read);
        return {
          ...Object.fromEntries(Object.entries(metrics).map(([name, node]) => [`${metricPrefix}${name}`, node])),
          losses,
        };
      });
    this.#graph = [key, build];
  }

  /** Which data run together. */
  plan(): MicroBatch[] {
    const groups = new Map<string, number[]>();
    this.job.data.forEach((datum, index) => {
      const sizes = this.#sizes(datum);
      groups.set(sizes, [...(groups.get(sizes) ?? []), index]);
    });
    const fits = this.base.rowsThatFit(...this.#graph);
    return [...groups.values()].flatMap((indices) => {
      const length = this.#datum(indices[0] ?? 0).tokens.length;
      return planMicroBatches(
        indices.map(() => length),
        fits,
      ).map((batch) => ({
        indices: batch.indices.map((place) => indices[place] ?? 0),
        length,
      }));
    });
  }

  /** Runs data of equal sizes and adds their gradient to `gradient`; returns the logprobs of each. */
  async run({ indices, length }: MicroBatch, adapter: Tensors, gradient: Float32Array): Promise<Tensors[]> {
    const program = await this.base.program(...this.#graph, { changing: matrixNames(this.layout) });
    const data = indices.map((index) => this.#datum(index));
    const results = await program.run({ ...this.base.weights, ...adapter, ...this.#feeds(data, length) });
    this.#add('loss:sum', results.losses, indices);
    for (const name of Object.keys(results))
      if (name.startsWith(metricPrefix)) this.#add(name.slice(metricPrefix.length), results[name], indices);
    if (this.job.backward) addGradient(this.layout, results, gradient);
    const logprobs = results.targetLogprobs?.data ?? new Float32Array();
    return indices.map((_, row) => ({
      logprobs: { data: logprobs.slice(row * length, (row + 1) * length), shape: [length] },
    }));
  }

  /** The loss and the loss's own metrics over all data. */
  metrics(): Readonly<Record<string, number>> {
    const { data } = this.job;
    const entries = [...this.#totals].map(([key, total]): [string, number] => [
      key,
      key.endsWith(':mean') ? total / data.length : total,
    ]);
    const positions = data.reduce((total, { tokens }) => total + tokens.length, 0);
    return { ...Object.fromEntries(entries), 'num_tokens:sum': positions };
  }

  #add(key: string, values: EngineTensor | undefined, indices: readonly number[]): void {
    values?.data.forEach((value, row) => {
      const what = key === 'loss:sum' ? 'the loss' : `metric ${key}`;
      if (!Number.isFinite(value)) throw notFinite(`${what} of data[${String(indices[row])}]`, value);
      this.#totals.set(key, (this.#totals.get(key) ?? 0) + value);
    });
  }

  #feeds(data: readonly EngineDatum[], length: number): Tensors {
    const shape = [data.length, length];
    const tokens = join(
      data.map((datum) => datum.tokens),
      (size) => new Int32Array(size),
    );
    const targets = join(
      data.map(({ inputs }) => inputs.target_tokens?.data ?? []),
      (size) => new Int32Array(size),
    );
    const read = this.loss.inputs.slice(1).map(({ name }): [string, EngineTensor] => {
      const tensors = data.map(({ inputs }) => inputs[name]);
      const values = join(
        tensors.map((tensor) => tensor?.data ?? []),
        (size) => new Float32Array(size),
      );
      return [lossFeed(name), { data: values, shape: [data.length, ...(tensors[0]?.shape ?? [])] }];
    });
    return {
      tokens: { data: tokens, shape },
      targets: { data: targets, shape },
      ...positionFeeds(this.base.model.config, data.length, length),
      ...Object.fromEntries(read),
    };
  }

  #sizes({ tokens, inputs }: EngineDatum): string {
    const shapes = this.loss.inputs.map(({ name }) => inputs[name]?.shape.join() ?? '');
    return [tokens.length, ...shapes.slice(1)].join(';');
  }

  #datum(index: number): EngineDatum {
    const datum = this.job.data[index];
    if (datum === undefined) throw new RangeError(`The job has no datum ${String(index)}.`);
    return datum;
  }
}

function join<Values extends Float32Array | Int32Array>(
  parts: readonly ArrayLike<number>[],
  allocate: (size: number) => Values,
): Values {
  const joined = allocate(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
