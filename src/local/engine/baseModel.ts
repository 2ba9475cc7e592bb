import type { DecoderConfig } from './decoderConfig.js';
import type { BaseModelInfo } from './engine.js';
import { readWeights } from './huggingFace/readWeights.js';
import { weightShapes } from './model.js';
import { Random } from './random.js';
import type { Tensors } from './runtime.js';

/** A base model as data, so that it can be sent to a worker: its sizes and where its weights come from. */
export interface BaseModel {
  readonly name: string;
  readonly config: DecoderConfig;
  /** Its name in Hugging Face's configurations; `LlamaForCausalLM` if missing. */
  readonly architecture?: string;
  /** `random`: made from a seed. `huggingFace`: the directory of a checkpoint. */
  readonly weights:
    { readonly kind: 'random'; readonly seed: number } | { readonly kind: 'huggingFace'; readonly directory: string };
  readonly eosTokens: readonly number[];
  /** Path of its tokenizer.json. */
  readonly tokenizerFile: string;
}

/** What clients are told about a base model. */
export function describeBaseModel(model: BaseModel): BaseModelInfo {
  const { name, architecture = 'LlamaForCausalLM', config, eosTokens, tokenizerFile } = model;
  return {
    name,
    architecture,
    maxContextLength: config.contextLength,
    vocabularySize: config.vocabularySize,
    eosTokens,
    tokenizerFile,
  };
}

/** A weight by the name of its graph input, in float32. */
export type NamedWeight = readonly [string, { readonly data: Float32Array; readonly shape: readonly number[] }];

/** The frozen weights of a base model, one after another. */
export function eachWeight({ config, weights }: BaseModel): Iterable<NamedWeight> {
  switch (weights.kind) {
    case 'random':
      return randomWeights(config, weights.seed);
    case 'huggingFace':
      return readWeights(weights.directory, config);
  }
}

/** The frozen weights of a base model, by graph input, in float32. */
export function loadWeights(model: BaseModel): Tensors {
  return Object.fromEntries(eachWeight(model));
}

function* randomWeights(config: DecoderConfig, seed: number): Iterable<NamedWeight> {
  for (const [index, [name, shape]] of Object.entries(weightShapes(config)).entries()) {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const data = new Float32Array(size).fill(1);
    if (shape.length > 1) {
      const random = new Random(seed, index);
      // Projections keep the variance of their inputs; rows of the embedding make logits of variance 1.
      const inputs = name.endsWith('embedding') ? config.hiddenSize : (shape[0] ?? 1);
      for (let i = 0; i < size; i++) data[i] = random.normal() / Math.sqrt(inputs);
    }
    yield [name, { data, shape }];
  }
}
