import { describe, TinkerError } from '../../../errors.js';
import { isJsonObject, type JsonObject } from './readJson.js';

/** Reads the fields of a configuration; what it can't take it refuses by the field's name. */
export class Fields {
  constructor(
    private readonly file: string,
    private readonly values: JsonObject,
    private readonly prefix = '',
  ) {}

  /** The value as it stands; null counts as missing. */
  get(name: string): unknown {
    return this.values[name] ?? undefined;
  }

  /** A positive integer. */
  size(name: string, missing?: number): number {
    const value = this.get(name) ?? missing;
    if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value);
    throw this.refusal(name, 'a positive integer');
  }

  /** A positive number. */
  positive(name: string, missing?: number): number {
    const value = this.get(name) ?? missing;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw this.refusal(name, 'a positive number');
  }

  boolean(name: string): boolean {
    const value = this.get(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.refusal(name, 'true or false');
  }

  /** The fields of an object; undefined where it is missing. */
  object(name: string): Fields | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.refusal(name, 'an object');
    return new Fields(this.file, value, `${this.prefix}${name}.`);
  }

  /** Refuses a field that has another value than these; missing counts as undefined. */
  expect(name: string, values: readonly unknown[], expected: string): void {
    if (!values.includes(this.get(name))) throw this.refusal(name, expected);
  }

  refusal(name: string, expected: string): TinkerError {
    const got = describe(this.values[name]);
    return new TinkerError(
      'invalid_config',
      `Expected ${this.prefix}${name} in ${this.file} to be ${expected}, got ${got}.`,
    );
  }
}
