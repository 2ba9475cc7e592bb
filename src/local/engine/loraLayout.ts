import type { DecoderConfig } from './decoderConfig.js';
import type { LoraShape } from './engine.js';
import { layerProjections, type Projection } from './projections.js';
import { Random } from './random.js';
import type { Tensors } from './runtime.js';

/** One matrix of an adapter: its graph input, its shape, and where it lies in the flat buffer. */
export interface LoraMatrix {
  readonly name: string;
  /** A is [rank, inputs], B is [rank, outputs]: shapes whose products and gradients are the quickest. */
  readonly kind: 'A' | 'B';
  readonly shape: readonly [number, number];
  readonly offset: number;
}

/** How the matrices of an adapter lie in one flat buffer. */
export interface LoraLayout {
  readonly matrices: readonly LoraMatrix[];
  /** Number of parameters. */
  readonly size: number;
  /** The adapter's share is scale · x·Aᵀ·B. */
  readonly scale: number;
}

/** Names of the graph inputs that are an adapter's matrices. */
export function matrixNames({ matrices }: LoraLayout): readonly string[] {
  return matrices.map(({ name }) => name);
}

/** The scale is alpha / rank at every rank. */
export const alpha = 32;

/** The layout of an adapter: layer by layer q, k, v, o, gate, up, down, then the unembedding, as far as trained. */
export function loraLayout(config: DecoderConfig, lora: LoraShape): LoraLayout {
  const matrices: LoraMatrix[] = [];
  let size = 0;
  const place = (name: string, kind: 'A' | 'B', shape: readonly [number, number]): void => {
    matrices.push({ name: `${name}.lora${kind}`, kind, shape, offset: size });
    size += shape[0] * shape[1];
  };
  for (const { name, inputs, outputs } of trainedProjections(config, lora)) {
    place(name, 'A', [lora.rank, inputs]);
    place(name, 'B', [lora.rank, outputs]);
  }
  return { matrices, size, scale: alpha / lora.rank };
}

/** An adapter as training starts: A uniform in ±1/√inputs from the seed, B zero. */
export function initialAdapter(layout: LoraLayout, seed: number): Float32Array<ArrayBuffer> {
  const adapter = new Float32Array(layout.size);
  layout.matrices.forEach(({ kind, shape: [rank, inputs], offset }, index) => {
    if (kind === 'B') return;
    const random = new Random(seed, index);
    const bound = 1 / Math.sqrt(inputs);
    for (let i = 0; i < inputs * rank; i++) adapter[offset + i] = (2 * random.uniform() - 1) * bound;
  });
  return adapter;
}

/** The matrices of an adapter by graph input, as views of its flat buffer. */
export function adapterTensors(layout: LoraLayout, adapter: Float32Array): Tensors {
  return Object.fromEntries(
    layout.matrices.map(({ name, shape, offset }) => [
      name,
      { data: adapter.subarray(offset, offset + shape[0] * shape[1]), shape },
    ]),
  );
}

function trainedProjections(config: DecoderConfig, lora: LoraShape): Projection[] {
  const projections: Projection[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const { attention, mlp } = layerProjections(config, layer);
    if (lora.trainAttention) projections.push(...attention);
    if (lora.trainMlp) projections.push(...mlp);
  }
  if (lora.trainUnembedding)
    projections.push({
      name: 'unembedding',
      inputs: config.hiddenSize,
      outputs: config.vocabularySize,
      bias: false,
    });
  return projections;
}
