import { passAsJson } from './passAsJson.js';
import { type RecordedContent, contentBytes } from './recording.js';
import { describe } from '../errors.js';

/** Says in words where a body differs from the recorded one that shares most of its beginning. */
export function firstDifference(
  sent: RecordedContent | undefined,
  recorded: readonly (RecordedContent | undefined)[],
): string {
  const leaves = leavesOf(sent);
  const places = recorded.map((body) => differenceOf(leaves, leavesOf(body)));
  const [furthest] = places.sort((a, b) => b.at - a.at);
  return furthest?.text ?? 'it has another form';
}

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}

function differenceOf(
  sent: readonly Leaf[],
  recorded: readonly Leaf[],
): { readonly at: number; readonly text: string } {
  const isSame = (a: Leaf | undefined, b: Leaf | undefined): boolean => a?.path === b?.path && a?.value === b?.value;
  const found = sent.findIndex((leaf, index) => !isSame(leaf, recorded[index]));
  const at = found < 0 ? sent.length : found;
  const then = recorded[at];
  const now = sent[at];
  if (now !== undefined && now.path === then?.path) {
    return { at, text: `${now.path} is ${describe(now.value)}, it was ${describe(then.value)}` };
  }
  return { at, text: now === undefined ? `${then?.path ?? 'nothing'} is missing` : `${now.path} is new` };
}

/** The values of a body with their paths, in order. */
function leavesOf(body: RecordedContent | undefined): Leaf[] {
  if (body === undefined) return [];
  return flatten('', 'text' in body ? parse(body.text) : passOf(contentBytes(body)));
}

function flatten(path: string, value: unknown): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path: path === '' ? 'the body' : path, value }];
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => flatten(`${path}[${index}]`, item));
  return Object.entries(value).flatMap(([name, item]) => flatten(path === '' ? name : `${path}.${name}`, item));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A compressed or unknown message is compared as a whole. */
function passOf(bytes: Uint8Array): unknown {
  try {
    return passAsJson(bytes);
  } catch {
    return `${bytes.length} bytes`;
  }
}
