import { invalidArgument } from '../errors.js';

/** Bounds of a number; `above` and `below` exclude the bound itself. */
export interface NumberRange {
  readonly integer?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

/** Gives the number back if it lies in the range. @throws TinkerError `invalid_argument`, naming it and the range */
export function checkNumber(name: string, value: number, range: NumberRange): number {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, integer = false } = range;
  const fits = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (fits && value >= min && value <= max && value > above && value < below) return value;
  const bounds = [
    range.min === undefined ? '' : ` ≥ ${String(min)}`,
    range.above === undefined ? '' : ` > ${String(above)}`,
    range.max === undefined ? '' : ` ≤ ${String(max)}`,
    range.below === undefined ? '' : ` < ${String(below)}`,
  ].filter((bound) => bound !== '');
  throw invalidArgument(`${name} to be ${integer ? 'an integer' : 'a finite number'}${bounds.join(' and')}`, value);
}

/** Refuses keys that do not exist, which a misspelt setting would be. */
export function checkKeys(name: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalidArgument(`${name} with keys out of ${known.join(', ')}`, unknown);
}
