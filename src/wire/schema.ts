/** Why a value does not fit, and where in it. */
export class Problem {
  isFound = false;
  readonly path: (string | number)[] = [];
  private message: string | undefined;

  /** Takes down what is wrong; what a schema gives then is not looked at. */
  refuse(message: string): never {
    this.isFound = true;
    this.message = message;
    return undefined as never;
  }

  expected(expected: string, value: unknown): never {
    return this.refuse(`Invalid input: expected ${expected}, received ${kindOf(value)}`);
  }

  /** What is wrong is in this part of the value. */
  within(key: string | number): never {
    this.path.unshift(key);
    return undefined as never;
  }

  /** The place and what is wrong there. */
  toString(): string {
    return `${this.path.length === 0 ? 'the body' : this.path.join('.')}: ${this.message ?? 'invalid'}`;
  }
}

/** What a schema makes of a value that fits. */
export type Output<S> = S extends Schema<infer T> ? T : never;

/** Tells what is wrong with a value, if anything is. */
type Check<T> = (value: T) => string | undefined;

/** The form of a part of an answer: reads values into what the client uses, or says why they do not fit. */
export class Schema<T> {
  constructor(readonly read: (value: unknown, problem: Problem) => T) {}

  safeParse(value: unknown): { readonly success: true; readonly data: T } | { success: false; error: Problem } {
    const problem = new Problem();
    const data = this.read(value, problem);
    return problem.isFound ? { success: false, error: problem } : { success: true, data };
  }

  /** @throws TypeError for a value that does not fit */
  parse(value: unknown): T {
    const read = this.safeParse(value);
    if (read.success) return read.data;
    throw new TypeError(String(read.error));
  }

  check(check: Check<T>): Schema<T> {
    return new Schema((value, problem) => {
      const read = this.read(value, problem);
      const wrong = problem.isFound ? undefined : check(read);
      return wrong === undefined ? read : problem.refuse(wrong);
    });
  }
}

/** What `schema` reads, changed by `change`, which may refuse it. */
export function transform<T, Changed>(schema: Schema<T>, change: (value: T, problem: Problem) => Changed) {
  return new Schema<Changed>((value, problem) => {
    const read = schema.read(value, problem);
    return problem.isFound ? (undefined as never) : change(read, problem);
  });
}

export const unknown = (): Schema<unknown> => new Schema((value) => value);

export const string = (): Schema<string> =>
  new Schema((value, problem) => (typeof value === 'string' ? value : problem.expected('string', value)));

export const boolean = (): Schema<boolean> =>
  new Schema((value, problem) => (typeof value === 'boolean' ? value : problem.expected('boolean', value)));

/** A finite number. */
export const number = (): Schema<number> =>
  new Schema((value, problem) =>
    typeof value === 'number' && Number.isFinite(value) ? value : problem.expected('number', value),
  );

/** An integer that a number holds exactly. */
export const int = (): Schema<number> =>
  new Schema((value, problem) =>
    typeof value === 'number' && Number.isSafeInteger(value) ? value : problem.expected('int', value),
  );

export const minLength =
  (length: number): Check<string> =>
  (value) =>
    value.length >= length ? undefined : `Too small: expected string to have >=${length} characters`;

export const nonnegative = (): Check<number> => (value) =>
  value >= 0 ? undefined : 'Too small: expected number to be >=0';

export const positive = (): Check<number> => (value) => (value > 0 ? undefined : 'Too small: expected number to be >0');

/** One of these values. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Schema<T> {
  const names = values.map((value) => JSON.stringify(value)).join('|');
  return new Schema((value, problem) => {
    const known = values.find((one) => one === value);
    return known ?? problem.refuse(`Invalid input: expected ${values.length === 1 ? names : `one of ${names}`}`);
  });
}

export const nullable = <T>(schema: Schema<T>): Schema<T | null> =>
  new Schema((value, problem) => (value === null ? null : schema.read(value, problem)));

/** As `schema`, or missing, or null. */
export const nullish = <T>(schema: Schema<T>): Schema<T | null | undefined> =>
  new Schema((value, problem) => (value === null || value === undefined ? value : schema.read(value, problem)));

/** What `schema` reads, and `value` for all that does not fit. */
export const fallback = <T>(schema: Schema<T>, value: T): Schema<T> =>
  new Schema((given) => {
    const read = schema.safeParse(given);
    return read.success ? read.data : value;
  });

/** What may be undefined may be missing. */
type ObjectOf<Fields> = {
  [Key in keyof Fields as undefined extends Output<Fields[Key]> ? never : Key]: Output<Fields[Key]>;
} & {
  [Key in keyof Fields as undefined extends Output<Fields[Key]> ? Key : never]?: Output<Fields[Key]>;
};

/** An object with these fields; others are left out, as servers may add some. */
export function object<Fields extends Readonly<Record<string, Schema<unknown>>>>(fields: Fields) {
  const entries = Object.entries(fields);
  return new Schema((value, problem) => {
    if (!isObject(value)) return problem.expected('object', value);
    const result: Record<string, unknown> = {};
    for (const [key, schema] of entries) {
      const given = value[key];
      const read = schema.read(given, problem);
      if (problem.isFound) return problem.within(key);
      if (read !== undefined || key in value) result[key] = read;
    }
    return result as ObjectOf<Fields>;
  });
}

/** An object of any names. */
export const record = <T>(schema: Schema<T>): Schema<Record<string, T>> =>
  new Schema((value, problem) => {
    if (!isObject(value)) return problem.expected('record', value);
    const result: Record<string, T> = {};
    for (const key of Object.keys(value)) {
      // Set, it would change the prototype.
      if (key === '__proto__') continue;
      result[key] = schema.read(value[key], problem);
      if (problem.isFound) return problem.within(key);
    }
    return result;
  });

export const array = <T>(schema: Schema<T>): Schema<T[]> =>
  new Schema((value, problem) => {
    if (!Array.isArray(value)) return problem.expected('array', value);
    const result: T[] = [];
    for (let index = 0; index < value.length; index++) {
      result.push(schema.read(value[index], problem));
      if (problem.isFound) return problem.within(index);
    }
    return result;
  });

/** An array of two. */
export const pair = <A, B>(first: Schema<A>, second: Schema<B>): Schema<[A, B]> =>
  new Schema((value, problem) => {
    if (!Array.isArray(value) || value.length !== 2) return problem.expected('array of two', value);
    const read: unknown[] = [];
    for (const [index, schema] of [first, second].entries()) {
      read.push(schema.read(value[index], problem));
      if (problem.isFound) return problem.within(index);
    }
    return read as [A, B];
  });

/** What the first of the schemas reads that fits. */
export function union<const Options extends readonly Schema<unknown>[]>(options: Options) {
  return new Schema((value, problem) => {
    for (const option of options) {
      const read = option.safeParse(value);
      if (read.success) return read.data as Output<Options[number]>;
    }
    return problem.refuse('Invalid input');
  });
}

/** An object that is read by what it has at `key`. */
export function variants<Options extends Readonly<Record<string, Schema<unknown>>>>(key: string, options: Options) {
  const names = oneOf(...Object.keys(options));
  return new Schema((value, problem) => {
    if (!isObject(value)) return problem.expected('object', value);
    const option = options[names.read(value[key], problem)];
    if (option === undefined) return problem.within(key);
    return option.read(value, problem) as Output<Options[keyof Options]>;
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isNaN(value) ? 'NaN' : typeof value;
}
