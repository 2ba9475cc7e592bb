import type { DecoderConfig } from './decoderConfig.js';
import type { BaseModelInfo } from './engine.js';
import { weightShapes } from './model.js';
import { Random } from './random.js';
import type { Tensors } from './runtime.js';

/** A base model as data, so that it can be sent to a worker: its sizes and where its weights come from. */
export interface BaseModel {
  readonly name: string;
  readonly config: DecoderConfig;
  /** `random`: made from a seed. */
  readonly weights: { readonly kind: 'random'; readonly seed: number };
  readonly eosTokens: readonly number[];
  /** Path of its tokenizer.json. */
  readonly tokenizerFile: string;
}

/** What clients are told about a base model. */
export function describeBaseModel({ name, config, eosTokens, tokenizerFile }: BaseModel): BaseModelInfo {
  return {
    name,
    architecture: 'LlamaForCausalLM',
    maxContextLength: config.contextLength,
    vocabularySize: config.vocabularySize,
    eosTokens,
    tokenizerFile,
  };
}

/** The frozen weights of a base model, by graph input. */
export function loadWeights({ config, weights: { seed } }: BaseModel): Tensors {
  const entries = Object.entries(weightShapes(config)).map(([name, shape], index) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const data = new Float32Array(size).fill(1);
    if (shape.length > 1) {
      const random = new Random(seed, index);
      // Projections keep the variance of their inputs; rows of the embedding make logits of variance 1.
      const inputs = name.endsWith('embedding') ? config.hiddenSize : (shape[0] ?? 1);
      for (let i = 0; i < size; i++) data[i] = random.normal() / Math.sqrt(inputs);
    }
    return [name, { data, shape }] as const;
  });
  return Object.fromEntries(entries);
}
