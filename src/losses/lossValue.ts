import { describe } from '../errors.js';
import { invalidLoss } from './invalidLoss.js';

/** What a loss returns: its scalar, alone or with metrics by name (`name:reduction` as a rule). */
export type LossValue<Scalar> =
  Scalar | { readonly loss: Scalar; readonly metrics?: Readonly<Record<string, Scalar | number>> };

/** A returned value taken apart and checked. */
export interface LossParts<Scalar> {
  readonly loss: Scalar;
  readonly metrics: Readonly<Record<string, Scalar | number>>;
}

/** How to recognise the scalars of one form of loss. */
export interface ScalarKind<Scalar> {
  /** For messages: `expression`, `tfjs tensor`. */
  readonly name: string;
  /** The sizes, where the value is of this kind at all. */
  shapeOf(value: unknown): readonly (number | string)[] | undefined;
  is(value: unknown): value is Scalar;
}

/**
 * Checks what a loss returned.
 *
 * @param value - Anything, since it comes from the caller's function.
 * @param place - For messages, e.g. ` for data[2]`.
 * @throws TinkerError `invalid_loss` unless loss and metrics are scalars of this kind; metrics may be numbers too.
 */
export function readLossValue<Scalar>(value: unknown, kind: ScalarKind<Scalar>, place = ''): LossParts<Scalar> {
  if (kind.is(value)) return { loss: value, metrics: {} };
  const { loss, metrics } = kind.shapeOf(value) === undefined ? fieldsOf(value) : { loss: value };
  if (!kind.is(loss)) throw notScalar('loss', loss === undefined ? value : loss, kind, place);
  if (metrics !== undefined && (typeof metrics !== 'object' || metrics === null))
    throw invalidLoss(`Expected metrics as a record of numbers and scalars${place}, got ${describe(metrics)}.`);
  const read = Object.entries(metrics ?? {}).map(([name, metric]): [string, Scalar | number] => {
    if (typeof metric === 'number' || kind.is(metric)) return [name, metric];
    throw notScalar(`metric ${name}`, metric, kind, place);
  });
  return { loss, metrics: Object.fromEntries(read) };
}

function fieldsOf(value: unknown): { readonly loss?: unknown; readonly metrics?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}

function notScalar<Scalar>(what: string, value: unknown, kind: ScalarKind<Scalar>, place: string): Error {
  const shape = kind.shapeOf(value);
  if (shape !== undefined)
    return invalidLoss(
      `Expected a scalar ${what}${place}, got one of shape [${shape.join(', ')}]. Reduce it with sum() or mean().`,
    );
  const hint =
    typeof value === 'number'
      ? ' A number has no derivative.'
      : value instanceof Promise
        ? ' The function must not be async.'
        : '';
  return invalidLoss(`Expected the ${what} as a scalar ${kind.name}${place}, got ${describe(value)}.${hint}`);
}
