import { Node, type Operand } from '../../../graph/index.js';
import { describeLossValue, isLossObject, type LossValue } from './lossValue.js';
import { refusedLoss } from './refusedLoss.js';

/** The arguments of one call, by the names of the function's parameters. */
export class CallArguments {
  readonly #values = new Map<string, LossValue>();

  /** @throws TinkerError `bad_request` on too many arguments, unknown names, or a name that is given twice. */
  constructor(parameters: readonly string[], args: readonly LossValue[], kwargs: ReadonlyMap<string, LossValue>) {
    if (args.length > parameters.length)
      throw refusedLoss(`at most ${String(parameters.length)} arguments`, String(args.length));
    args.forEach((value, index) => this.#values.set(parameters[index] ?? '', value));
    for (const [name, value] of kwargs) {
      if (!parameters.includes(name)) throw refusedLoss(`arguments of ${parameters.join(', ')}`, name);
      if (this.#values.has(name)) throw refusedLoss(`${name} once`, 'it twice');
      this.#values.set(name, value);
    }
  }

  /** Anything; null where it is not given. */
  value(name: string): LossValue {
    return this.#values.get(name) ?? null;
  }

  /** A tensor. */
  node(name: string): Node {
    const value = this.value(name);
    if (value instanceof Node) return value;
    throw refusedLoss(`a tensor as ${name}`, describeLossValue(value));
  }

  /** A tensor or a number; true and false count as 1 and 0. */
  operand(name: string): Operand {
    const value = this.value(name);
    if (value instanceof Node || typeof value === 'number') return value;
    if (typeof value === 'boolean') return Number(value);
    throw refusedLoss(`a tensor or a number as ${name}`, describeLossValue(value));
  }

  number(name: string, missing: number): number {
    const value = this.value(name) ?? missing;
    if (typeof value === 'number') return value;
    throw refusedLoss(`a number as ${name}`, describeLossValue(value));
  }

  integer(name: string, missing?: number): number {
    const value = this.value(name) ?? missing;
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    throw refusedLoss(`an integer as ${name}`, describeLossValue(value));
  }

  flag(name: string): boolean {
    const value = this.value(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw refusedLoss(`true or false as ${name}`, describeLossValue(value));
  }

  /** One axis or several; undefined where none is given, which means all. */
  axes(name: string): readonly number[] | undefined {
    const value = this.value(name);
    if (value === null) return undefined;
    const axes = Array.isArray(value) ? value : [value];
    if (axes.length === 0) return undefined;
    return axes.map((axis: LossValue) => {
      if (typeof axis === 'number' && Number.isInteger(axis)) return axis;
      throw refusedLoss(`an axis or a list of axes as ${name}`, describeLossValue(axis));
    });
  }

  /** Refuses types other than float32, in which everything is computed. */
  checkFloat32(name: string): void {
    const value = this.value(name);
    if (value === null || (isLossObject(value) && value.kind === 'dtype' && /^float(32)?$/.test(value.name))) return;
    const got = isLossObject(value) && 'name' in value ? value.name : describeLossValue(value);
    throw refusedLoss(`float32 as ${name}`, got);
  }

  /** Refuses an option that is given and not null. */
  checkMissing(name: string): void {
    if (this.value(name) !== null) throw refusedLoss(`no ${name}`, describeLossValue(this.value(name)));
  }
}
