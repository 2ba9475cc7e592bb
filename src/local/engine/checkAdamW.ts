import { TinkerError } from '../../errors.js';
import type { AdamWParameters } from './engine.js';

/**
 * Checks the parameters of a step.
 *
 * @throws TinkerError `bad_request` that says what was expected and what came.
 */
export function checkAdamW(parameters: AdamWParameters): void {
  for (const name of ['learning_rate', 'eps', 'weight_decay', 'grad_clip_norm'] as const)
    if (!(Number.isFinite(parameters[name]) && parameters[name] >= 0))
      throw refused(`a finite number from 0 as ${name}`, parameters[name]);
  for (const name of ['beta1', 'beta2'] as const)
    if (!(parameters[name] >= 0 && parameters[name] < 1))
      throw refused(`a ${name} from 0 to below 1`, parameters[name]);
}

function refused(expected: string, got: number): TinkerError {
  return new TinkerError('bad_request', `Expected ${expected}, got ${String(got)}.`);
}
