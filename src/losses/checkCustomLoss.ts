import { invalidArgument } from '../errors.js';
import type { CustomLoss } from './customLoss.js';

/**
 * Checks at the call that something is a custom loss at all.
 *
 * @throws TinkerError `invalid_argument`
 */
export function checkCustomLoss(loss: unknown): asserts loss is CustomLoss {
  const whatToDo = 'Functions of a whole batch are marked by batchLoss, tfjsLoss or gradientLoss.';
  if (typeof loss === 'function') {
    if (loss.length <= 1) return;
    throw invalidArgument('a loss function of one argument, ({ logprobs, … }) => …', `one of ${loss.length}`, whatToDo);
  }
  const { form, evaluate }: { form?: unknown; evaluate?: unknown } =
    typeof loss === 'object' && loss !== null ? loss : {};
  const known = form === 'batch' || form === 'tfjs' || form === 'gradient';
  if (!known || typeof evaluate !== 'function') throw invalidArgument('a custom loss', loss, whatToDo);
}
