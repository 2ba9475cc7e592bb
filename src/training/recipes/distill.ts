import type { Observable } from 'rxjs';
import type { SamplingClient } from '../../clients/sampling.js';
import type { TrainingClient } from '../../clients/training.js';
import type { ModelInput } from '../../wire/index.js';
import { type PolicyStep, type ReinforceOptions, reinforce } from './reinforce.js';

/** Options of {@link distill}. */
export type DistillOptions = Omit<ReinforceOptions, 'kl' | 'normalize'>;

/**
 * On-policy distillation: the student samples, the teacher scores each token, and the student is trained towards what
 * the teacher finds likelier. It is reinforcement learning whose only reward is −KL(student ‖ teacher), token by token
 * (Agarwal et al. 2024, "On-Policy Distillation of Language Models", https://arxiv.org/abs/2306.13649).
 *
 * `kl_reference:mean` is the estimate of that divergence in nats a token; it falls as the student learns.
 *
 * @param prompts - The prompts of each step.
 * @example
 * ```ts
 * distill(training, sampling, [[prompt], [prompt]], {
 *   groupSize: 8,
 *   samplingParams: { maxTokens: 8, seed: 1 },
 *   adam: { learningRate: 1e-3 },
 * }).subscribe(({ step, metrics }) => console.log(step, metrics['kl_reference:mean']));
 * ```
 */
export function distill(
  training: TrainingClient,
  teacher: Pick<SamplingClient, 'computeLogprobs'>,
  prompts: Iterable<readonly ModelInput[]>,
  options: DistillOptions,
): Observable<PolicyStep> {
  function* problems() {
    for (const batch of prompts) yield batch.map((prompt) => ({ prompt, reward: () => 0 }));
  }
  return reinforce(
    training,
    { [Symbol.iterator]: problems },
    { ...options, kl: { reference: teacher, coefficient: 1 } },
  );
}
