import type { BaseModelInfo, LoraShape } from '../engine/engine.js';
import type { ModelLane } from './modelLane.js';
import type { SharedTarget } from './sampler.js';
import type { TrainingRun } from './trainingRun.js';

/** A live model: an adapter on a base model, and the lane of its calls. */
export interface Model {
  readonly id: string;
  readonly sessionId: string;
  readonly base: BaseModelInfo;
  readonly lora: LoraShape;
  readonly lane: ModelLane;
  readonly run: TrainingRun;
  /** Whether a gradient was accumulated that no optimizer step has applied. */
  gradientPending: boolean;
  /** Finished optimizer steps. */
  steps: number;
  /** The weights that its `inflight` samplers share. */
  inflight: SharedTarget | undefined;
  /** The promise of its unload, once that is asked for. */
  unloadPromiseId: string | undefined;
}
