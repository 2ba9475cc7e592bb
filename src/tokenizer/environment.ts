/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process; empty in a browser. */
export function nodeEnvironment(): Environment {
  return isNode() ? process.env : {};
}

/** A variable's value; an empty one counts as not set. */
export function setting(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Whether this is Node, or what works like it. */
export function isNode(): boolean {
  return typeof process === 'object' && typeof process.getBuiltinModule === 'function';
}
