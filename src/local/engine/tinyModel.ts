import { fileURLToPath } from 'node:url';
import type { BaseModel } from './baseModel.js';

/** The base model that comes with the package: small, frozen at random, enough to learn a short text by heart. */
export const tinyModel: BaseModel = {
  name: 'rxtinker/tiny',
  config: {
    vocabularySize: 512,
    hiddenSize: 128,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    headDim: 32,
    ffnSize: 344,
    ropeTheta: 10_000,
    normEps: 1e-5,
    tiedEmbeddings: true,
    contextLength: 2048,
  },
  weights: { kind: 'random', seed: 1 },
  eosTokens: [0],
  tokenizerFile: fileURLToPath(new URL('../models/tiny/tokenizer.json', import.meta.url)),
};
