import { Expression } from '../graph/index.js';
import { camelCase } from '../wire/camelCase.js';
import type { Datum } from '../wire/datum.js';
import { lossInputDtypes, lossInputWireName } from '../wire/lossInputs.js';
import type { TensorData } from '../wire/tensorData.js';
import { type TensorInput, toTensorData } from '../wire/toTensorData.js';
import { invalidLoss } from './invalidLoss.js';

type WellKnownInput =
  | 'targetTokens'
  | 'weights'
  | 'advantages'
  | 'samplerLogprobs'
  | 'ref'
  | 'clipLowThreshold'
  | 'clipHighThreshold'
  | 'sequenceRatioMask';

/**
 * What a per-datum loss is called with: `logprobs`, the model's log-probabilities of the target tokens, and the inputs
 * of the datum by camelCase name. The datum's own `logprobs`, those of the sampler, are `samplerLogprobs` here.
 *
 * An input that the datum lacks is an error when it is read; `'weights' in inputs` asks first. Names that are not well
 * known are written into the type: `({ logprobs, margin }: LossInputs<'margin'>) => …`.
 */
export type LossInputs<Name extends string = never> = Readonly<
  Record<'logprobs' | WellKnownInput | Name, Expression> & Record<string, Expression>
>;

/**
 * One input of a datum as an expression, for losses over a batch: float32, or int32 for tokens and other integers.
 *
 * @param name - In camelCase; `samplerLogprobs` is the datum's own `logprobs`.
 * @throws TinkerError `invalid_loss` when the datum has no such input, `invalid_argument` when its values are wrong.
 * @example
 * ```ts
 * const loss = batchLoss((data, logprobs) => {
 *   const refs = Expression.concat(data.map((datum) => lossInput(datum, 'ref')));
 *   return Expression.concat(logprobs).sub(refs).mean().neg();
 * });
 * ```
 */
export function lossInput(datum: Datum, name: string): Expression {
  return new Reader(datum, 'the datum').read(name);
}

/** What a loss sees of an input; by default its values. */
export type AsExpression = (name: string, tensor: TensorData) => Expression;

/** All inputs of a datum beside the model's logprobs; each becomes an expression when it is first read. */
export function lossInputsOf(
  datum: Datum,
  index: number,
  logprobs: Expression,
  asExpression: AsExpression = constantOf,
): LossInputs {
  const reader = new Reader(datum, `data[${index}]`, asExpression);
  const known = new Map([['logprobs', logprobs]]);
  const read = (name: string): Expression => {
    const expression = known.get(name) ?? reader.read(name);
    known.set(name, expression);
    return expression;
  };
  const names = ['logprobs', ...reader.names];
  const inputs: LossInputs = Object.defineProperties(
    Object.create(null) as LossInputs,
    Object.fromEntries(names.map((name) => [name, { enumerable: true, get: () => read(name) }])),
  );
  // A plain object would give undefined for a misspelled name, and an error far from its cause.
  return new Proxy(inputs, {
    get: (_, name) => (typeof name === 'string' ? read(name) : undefined),
  });
}

class Reader {
  readonly #inputs: ReadonlyMap<string, { readonly path: string; readonly value: TensorInput }>;

  constructor(
    datum: Datum,
    private readonly place: string,
    private readonly asExpression: AsExpression = constantOf,
  ) {
    this.#inputs = new Map(
      Object.entries(datum.lossFnInputs ?? {}).map(([name, value]) => [
        localName(name),
        { path: `${place}.lossFnInputs.${name}`, value },
      ]),
    );
  }

  get names(): string[] {
    return [...this.#inputs.keys()];
  }

  read(name: string): Expression {
    const found = this.#inputs.get(name);
    if (found === undefined)
      throw invalidLoss(
        `Expected an input ${name} in ${this.place}.lossFnInputs, which the loss reads, ` +
          `got ${this.names.join(', ') || 'none'}.`,
      );
    return this.asExpression(name, tensorOf(name, found.value, found.path));
  }
}

function localName(name: string): string {
  const local = camelCase(name);
  return local === 'logprobs' ? 'samplerLogprobs' : local;
}

function tensorOf(name: string, value: TensorInput, path: string): TensorData {
  const wireName = name === 'samplerLogprobs' ? 'logprobs' : lossInputWireName(name);
  // What stays here needs no dtype of the protocol: a list of numbers is float32.
  const dtype = lossInputDtypes[wireName] ?? (Array.isArray(value) ? 'float32' : undefined);
  return toTensorData(value, dtype, path);
}

function constantOf(_: string, { data, shape }: TensorData): Expression {
  return Expression.constant(data instanceof BigInt64Array ? Int32Array.from(data, Number) : data, shape);
}
