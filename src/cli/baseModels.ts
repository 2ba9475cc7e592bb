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

/** One base model: a name that is known, or NAME=DIR. @throws UsageError */
export function splitBaseModel(text: string): { baseModel: string; baseModels?: Record<string, string> } {
  if (!text.includes('=')) return { baseModel: text };
  const baseModels = readBaseModels([text]);
  return { baseModel: Object.keys(baseModels)[0] ?? '', baseModels };
}
