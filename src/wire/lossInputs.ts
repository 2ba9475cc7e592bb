import { camelCase } from './camelCase.js';
import type { LossName } from './lossName.js';
import type { TensorDtype } from './tensorData.js';

/** Per-token tensors that the protocol knows, by wire name, and their dtype. */
export const lossInputDtypes: Readonly<Record<string, TensorDtype>> = {
  target_tokens: 'int64',
  weights: 'float32',
  advantages: 'float32',
  logprobs: 'float32',
  clip_low_threshold: 'float32',
  clip_high_threshold: 'float32',
  sequence_ratio_mask: 'float32',
};

/** What each loss can't do without, by wire name. */
export const requiredLossInputs = {
  cross_entropy: ['target_tokens', 'weights'],
  importance_sampling: ['target_tokens', 'logprobs', 'advantages'],
  ppo: ['target_tokens', 'logprobs', 'advantages'],
  cispo: ['target_tokens', 'logprobs', 'advantages'],
  dro: ['target_tokens', 'logprobs', 'advantages'],
  gspo: ['target_tokens', 'logprobs', 'advantages'],
  stable_reinforce: ['target_tokens', 'logprobs', 'advantages'],
} as const satisfies Record<LossName, readonly string[]>;

const wireNames = new Map(Object.keys(lossInputDtypes).map((name) => [camelCase(name), name]));

/** Wire name of a loss input: well-known names may come in camelCase, others stay as they are. */
export function lossInputWireName(name: string): string {
  return wireNames.get(name) ?? name;
}
