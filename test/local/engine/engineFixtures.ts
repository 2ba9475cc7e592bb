import type { BaseModel } from '../../../src/local/engine/baseModel.js';
import type { DecoderConfig } from '../../../src/local/engine/decoderConfig.js';
import type { EngineDatum, ForwardBackwardJob, LoraShape } from '../../../src/local/engine/engine.js';
import { Random } from '../../../src/local/engine/random.js';

/** A decoder small enough for plain evaluation, with grouped queries and embeddings of its own at both ends. */
export const smallConfig: DecoderConfig = {
  vocabularySize: 13,
  hiddenSize: 8,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ffnSize: 12,
  ropeTheta: 100,
  normEps: 1e-5,
  tiedEmbeddings: false,
  contextLength: 40,
};

export const smallModel: BaseModel = {
  name: 'test/small',
  config: smallConfig,
  weights: { kind: 'random', seed: 5 },
  eosTokens: [0],
  tokenizerFile: 'none',
};

/** An adapter of every part. */
export const wholeLora: LoraShape = {
  rank: 2,
  seed: 7,
  trainAttention: true,
  trainMlp: true,
  trainUnembedding: true,
};

export const adam = { learning_rate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-12, weight_decay: 0, grad_clip_norm: 0 };

/** Random tokens of a vocabulary. */
export function randomTokens(random: Random, length: number, vocabulary: number): Int32Array {
  return Int32Array.from({ length }, () => random.uint32() % vocabulary);
}

/** A datum with every input that some loss needs. */
export function randomDatum(random: Random, length: number, vocabulary: number): EngineDatum {
  const floats = (low: number, high: number): EngineDatum['inputs'][string] => ({
    data: Float32Array.from({ length }, () => low + (high - low) * random.uniform()),
    shape: [length],
  });
  return {
    tokens: randomTokens(random, length, vocabulary),
    inputs: {
      target_tokens: { data: randomTokens(random, length, vocabulary), shape: [length] },
      weights: floats(-1, 2),
      logprobs: floats(-3.5, -1.5),
      advantages: floats(-2, 2),
    },
  };
}

/** A job of data of these lengths. */
export function randomJob(
  seed: number,
  lengths: readonly number[],
  vocabulary: number,
  loss: string,
): ForwardBackwardJob {
  const random = new Random(seed);
  const data = lengths.map((length) => randomDatum(random, length, vocabulary));
  return { data, loss, config: loss === 'dro' ? { beta: 0.05 } : {}, backward: true };
}

/** Next-token training on sequences: inputs all but the last token, targets all but the first, weights 1. */
export function nextTokenData(sequences: readonly Int32Array[]): EngineDatum[] {
  return sequences.map((sequence) => {
    const length = sequence.length - 1;
    return {
      tokens: sequence.slice(0, -1),
      inputs: {
        target_tokens: { data: sequence.slice(1), shape: [length] },
        weights: { data: new Float32Array(length).fill(1), shape: [length] },
      },
    };
  });
}
