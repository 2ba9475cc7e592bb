import { UsageError } from '../usageError.js';

/** Reads an option that is an integer. @throws UsageError */
export function integer(option: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `≥ ${least}` : `from ${least} to ${most}`;
    throw new UsageError(`Expected ${option} to be an integer ${range}, got ${JSON.stringify(text)}.`);
  };
}

/** Reads an option that is a number. @throws UsageError */
export function number(option: string, { least = -Infinity, above = -Infinity } = {}) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (Number.isFinite(value) && value >= least && value > above) return value;
    const range = least !== -Infinity ? ` ≥ ${least}` : above !== -Infinity ? ` > ${above}` : '';
    throw new UsageError(`Expected ${option} to be a number${range}, got ${JSON.stringify(text)}.`);
  };
}

/** Collects an option that may be given several times. */
export function several(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
