import { describe } from '../../../errors.js';
import type { CustomLossNode } from './customLoss.js';
import { refusedLoss } from './refusedLoss.js';
import { pythonFunctions, type TorchFunction, torchFunctions, torchMethods } from './torchFunctions.js';

/** Other names of PyTorch for the same. */
const aliases: Readonly<Record<string, string>> = {
  absolute: 'abs',
  negative: 'neg',
  subtract: 'sub',
  multiply: 'mul',
  divide: 'div',
  true_divide: 'div',
  clip: 'clamp',
  greater: 'gt',
  greater_equal: 'ge',
  less: 'lt',
  less_equal: 'le',
  not_equal: 'ne',
  log_sigmoid: 'logsigmoid',
  expit: 'sigmoid',
  concat: 'cat',
};

/** Python's operators, by their names in the module `operator`. */
const operators: Readonly<Record<string, string>> = {
  truediv: 'div',
  itruediv: 'div',
  iadd: 'add',
  isub: 'sub',
  imul: 'mul',
  ipow: 'pow',
  and_: 'bitwise_and',
  or_: 'bitwise_or',
  invert: 'bitwise_not',
  inv: 'bitwise_not',
  ...Object.fromEntries(
    ['add', 'sub', 'mul', 'pow', 'neg', 'abs', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'].map((name) => [name, name]),
  ),
};

const modules = /^torch\.(?:nn\.functional\.|_C\._nn\.|special\.|_C\._special\.special_)?([a-z_0-9]+)$/;

/**
 * What a node calls.
 *
 * @throws TinkerError `bad_request` on a function or method that is not known.
 */
export function findFunction({ op, target }: Pick<CustomLossNode, 'op' | 'target'>): TorchFunction {
  const found = op === 'call_method' ? findMethod(target) : findTarget(target);
  if (found !== undefined) return found;
  const names = Object.keys(torchFunctions).join(', ');
  throw refusedLoss(
    `a ${op === 'call_method' ? 'method' : 'function'} that losses can use (${names})`,
    describe(target),
  );
}

function findMethod(name: string): TorchFunction | undefined {
  return own(torchMethods, name) ?? own(torchFunctions, own(aliases, name) ?? name);
}

function findTarget(target: string): TorchFunction | undefined {
  if (target === 'getattr' || target === 'builtins.getattr') return pythonFunctions.getattr;
  if (target === 'operator.getitem') return pythonFunctions.getitem;
  const operator = /^operator\.([a-z_]+)$/.exec(target)?.[1];
  if (operator !== undefined) return own(torchFunctions, own(operators, operator) ?? '');
  const name = modules.exec(target)?.[1];
  return name === undefined ? undefined : own(torchFunctions, own(aliases, name) ?? name);
}

function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
