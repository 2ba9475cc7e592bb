import type { Engine } from '../../src/local/engine/engine.js';
import { createInProcessEngine } from '../../src/local/engine/inProcessEngine.js';
import { tinyModel } from '../../src/local/engine/tinyModel.js';
import type { Ledger } from './ledger.js';
import type { SimulatedProcess } from './simulatedProcess.js';

/** Its vocabulary: tokens are 0 … 15. */
export const vocabularySize = 16;

/**
 * The engine's plain evaluation on a model so small that a step takes a millisecond; each call takes virtual time, now
 * and then more than a poll is waited for, and is written down.
 */
export async function simulatedEngine(
  process: SimulatedProcess,
  ledger: Ledger,
  random: () => number,
): Promise<Engine> {
  const engine = await createInProcessEngine({
    runtime: 'plain',
    deterministic: true,
    baseModels: [
      {
        ...tinyModel(),
        name: 'simulated',
        weights: { kind: 'random', seed: 1 },
        config: {
          ...tinyModel().config,
          vocabularySize,
          hiddenSize: 4,
          layers: 1,
          heads: 1,
          kvHeads: 1,
          headDim: 4,
          ffnSize: 4,
          contextLength: 16,
        },
      },
    ],
  });
  const takesTime = (): Promise<void> => process.sleep(random() < 0.03 ? 40_000 + random() * 60_000 : random() * 800);
  const { forwardBackward, optimStep, saveState } = bound(engine);
  engine.forwardBackward = async (modelId, job) => {
    const tokens = job.data[0]?.tokens.join(' ') ?? '';
    ledger.executes(modelId, { operation: job.backward ? 'forward_backward' : 'forward', tokens });
    await takesTime();
    return forwardBackward(modelId, job);
  };
  engine.optimStep = async (modelId, parameters) => {
    ledger.executes(modelId, { operation: 'optim_step' });
    await takesTime();
    return optimStep(modelId, parameters);
  };
  engine.saveState = async (modelId, options) => {
    ledger.executes(modelId, { operation: 'save_weights' });
    await takesTime();
    return saveState(modelId, options);
  };
  return engine;
}

function bound(engine: Engine): Pick<Engine, 'forwardBackward' | 'optimStep' | 'saveState'> {
  return {
    forwardBackward: engine.forwardBackward.bind(engine),
    optimStep: engine.optimStep.bind(engine),
    saveState: engine.saveState.bind(engine),
  };
}
