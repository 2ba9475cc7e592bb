import { invalidArgument } from '../errors.js';

/** The losses that every server is asked for by name. Source: public documentation of the training API. */
export const lossNames = [
  'cross_entropy',
  'importance_sampling',
  'ppo',
  'cispo',
  'dro',
  'gspo',
  'stable_reinforce',
] as const;

/** Name of a loss that the server computes. */
export type LossName = (typeof lossNames)[number];

/** @throws TinkerError `invalid_argument`, listing the known losses */
export function checkLossName(loss: string): asserts loss is LossName {
  if (!lossNames.some((name) => name === loss)) throw invalidArgument(`a loss out of ${lossNames.join(', ')}`, loss);
}
