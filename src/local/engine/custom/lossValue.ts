import { describe } from '../../../errors.js';
import { Node } from '../../../graph/index.js';
import { refusedLoss } from './refusedLoss.js';

/** What is no tensor and no JSON scalar in a graph. */
export type LossObject =
  | { readonly kind: 'slice'; readonly bounds: readonly LossValue[] }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'dict'; readonly entries: ReadonlyMap<string, LossValue> }
  | { readonly kind: 'dtype' | 'device' | 'layout' | 'memory_format'; readonly name: string }
  /** The sizes of a tensor, which are known only when the graph runs. */
  | { readonly kind: 'shape'; readonly of: Node };

/**
 * A value in a loss's graph. Tensors are nodes with the batch as their first axis, which the loss does not see; those
 * without any axis are the same for all data.
 */
export type LossValue = Node | number | boolean | string | null | LossObject | readonly LossValue[];

const deepest = 8;

/**
 * Reads a value of the wire.
 *
 * @throws TinkerError `bad_request` on what is none, or names a node that is not there yet.
 */
export function readLossValue(value: unknown, nodes: ReadonlyMap<string, LossValue>, depth = 0): LossValue {
  if (depth > deepest) throw refusedLoss(`values nested at most ${String(deepest)} deep`, 'deeper ones');
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
    return value;
  const read = (part: unknown): LossValue => readLossValue(part, nodes, depth + 1);
  if (Array.isArray(value)) return value.map(read);
  const entries: [string, unknown][] = typeof value === 'object' ? Object.entries(value) : [];
  const [entry, ...more] = entries;
  if (entry === undefined || more.length > 0) throw refusedLoss('an object of one key as a value', describe(value));
  const [key, content] = entry;
  switch (key) {
    case 'ref': {
      const found = nodes.get(text(key, content));
      if (found === undefined) throw refusedLoss('a reference to an earlier node', describe(content));
      return found;
    }
    case 'tuple':
      return list(key, content).map(read);
    case 'dict':
      if (typeof content !== 'object' || content === null) throw refusedLoss('an object as dict', describe(content));
      return { kind: 'dict', entries: new Map(Object.entries(content).map(([name, part]) => [name, read(part)])) };
    case 'slice':
      if (list(key, content).length !== 3) throw refusedLoss('a slice of 3 bounds', describe(content));
      return { kind: 'slice', bounds: list(key, content).map(read) };
    case 'ellipsis':
      return { kind: 'ellipsis' };
    case 'float':
      return special(text(key, content));
    case 'dtype':
    case 'device':
    case 'layout':
    case 'memory_format':
      return { kind: key, name: text(key, content) };
    default:
      throw refusedLoss('ref, tuple, dict, slice, ellipsis, float, dtype, device, layout or memory_format', key);
  }
}

/** A value in a few words, for messages. */
export function describeLossValue(value: LossValue | undefined): string {
  if (value instanceof Node) return `a tensor with ${String(Math.max(0, value.shape.length - 1))} axes`;
  if (value === undefined) return 'nothing';
  if (isLossObject(value)) return `a ${value.kind}`;
  return describe(value);
}

/** Whether a value is one of those that JSON has no form for. */
export function isLossObject(value: LossValue): value is LossObject {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function text(key: string, content: unknown): string {
  if (typeof content === 'string') return content;
  throw refusedLoss(`a string as ${key}`, describe(content));
}

function list(key: string, content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  throw refusedLoss(`a list as ${key}`, describe(content));
}

function special(name: string): number {
  if (name === 'inf') return Infinity;
  if (name === '-inf') return -Infinity;
  if (name === 'nan') return NaN;
  throw refusedLoss('inf, -inf or nan as float', name);
}
