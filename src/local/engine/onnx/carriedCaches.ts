import { isOperation, topologicalOrder, type Node } from '../../../graph/index.js';

/** The runtime's attention kernel takes heads of a multiple of so many numbers. */
export const headStep = 8;

/**
 * Names of the inputs that hold the keys and values of an attention over a cache, which gives them with the new tokens
 * too; undefined where they are no inputs, are one, or are filled up for the kernel.
 */
export function cacheInputs({ inputs }: Node<'cachedAttention'>): readonly [key: string, value: string] | undefined {
  const [key, value] = inputs.slice(3, 5);
  if (key === undefined || value === undefined || key === value) return undefined;
  if (!isOperation(key, 'input') || !isOperation(value, 'input')) return undefined;
  const headDim = key.shape.at(-1);
  if (typeof headDim !== 'number' || headDim % headStep > 0) return undefined;
  return [key.attributes.name, value.attributes.name];
}

/** Those of all attentions of a graph. */
export function carriedCaches(outputs: Readonly<Record<string, Node>>): readonly string[] {
  return topologicalOrder(Object.values(outputs)).flatMap((node) =>
    isOperation(node, 'cachedAttention') ? (cacheInputs(node) ?? []) : [],
  );
}

/** The output that holds a cache with the new tokens. */
export function nextName(cache: string): string {
  return `${cache} next`;
}
