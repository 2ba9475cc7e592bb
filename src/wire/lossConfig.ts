import { invalidArgument } from '../errors.js';
import { snakeCase } from './camelCase.js';

/** Settings of a loss, e.g. `{ clipLowThreshold: 0.8, clipHighThreshold: 1.2 }`; keys in camelCase or as on the wire. */
export type LossConfig = Readonly<Record<string, number | string>>;

/** Wire form of a loss's settings. @throws TinkerError `invalid_argument` for a value that is no finite number or string */
export function toWireLossConfig(config: LossConfig = {}): Record<string, number | string> {
  const entries = Object.entries(config).map(([name, value]): [string, number | string] => {
    if (typeof value !== 'string' && !Number.isFinite(value)) {
      throw invalidArgument(`a finite number or a string in lossConfig.${name}`, value);
    }
    return [snakeCase(name), value];
  });
  return Object.fromEntries(entries);
}
