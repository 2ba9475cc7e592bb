/** `learning_rate` → `learningRate`, for types. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

/** A record with camelCase keys, where what may be undefined may be missing instead. */
export type CamelKeys<T> = { [K in Exclude<keyof T, OptionalKeys<T>> & string as CamelCase<K>]: T[K] } & {
  [K in OptionalKeys<T> & string as CamelCase<K>]?: Exclude<T[K], undefined>;
};

/** Names of fields that were met before: there are few, and they come with each answer. */
const known = new Map<string, string>();

/** `learning_rate` → `learningRate`. */
export function camelCase(name: string): string {
  let camel = known.get(name);
  if (camel === undefined) {
    camel = toCamelCase(name);
    if (known.size < 1000) known.set(name, camel);
  }
  return camel;
}

function toCamelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `learningRate` → `learning_rate`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Renames the keys of a wire record to camelCase and leaves out those that are undefined. */
export function camelKeys<T extends object>(record: T): CamelKeys<T> {
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) if (value !== undefined) renamed[camelCase(key)] = value;
  return renamed as CamelKeys<T>;
}
