import { createInProcessEngine } from '../../src/local/engine/inProcessEngine.js';
import type { Engine } from '../../src/local/engine/engine.js';
import { tinyModel } from '../../src/local/engine/tinyModel.js';

/** The engine's plain evaluation on a model so small that a step takes a millisecond. */
export function simulatedEngine(): Promise<Engine> {
  return createInProcessEngine({
    runtime: 'plain',
    deterministic: true,
    baseModels: [
      {
        ...tinyModel,
        name: 'simulated',
        config: {
          ...tinyModel.config,
          vocabularySize: 16,
          hiddenSize: 8,
          layers: 1,
          heads: 1,
          kvHeads: 1,
          headDim: 8,
          ffnSize: 8,
          contextLength: 16,
        },
      },
    ],
  });
}
