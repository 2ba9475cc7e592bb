import { UsageError } from './usageError.js';

/** Base models as they are given, NAME=DIR, as directories by name. @throws UsageError */
export function readBaseModels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, directory] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (name !== undefined && directory !== undefined) return [name, directory];
      throw new UsageError(`Expected --base-model to be NAME=DIR, got ${JSON.stringify(text)}.`);
    }),
  );
}
