import type { Observable } from 'rxjs';
import type { ModelInput, SampledSequence } from '../../wire/index.js';

/** A prompt, and how good a sample for it is. */
export interface Problem {
  readonly prompt: ModelInput;
  /** The reward of a sample, a finite number; an Observable of one where judging takes time. */
  readonly reward: (sample: SampledSequence) => number | Observable<number>;
}

/** A sample for a problem, and its reward. */
export interface Rollout {
  readonly prompt: ModelInput;
  readonly sample: SampledSequence;
  readonly reward: number;
}
