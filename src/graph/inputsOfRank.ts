import { invalidArgument } from '../errors.js';
import type { Node } from './node.js';
import { input } from './operations/input.js';

const names = ['n', 'k'];

/**
 * Inputs of the given ranks (0, 1 or 2) with open sizes: `[n]` and `[n, k]`, the same n and k for all.
 *
 * @throws TinkerError `invalid_argument` on another rank.
 */
export function inputsOfRank<Name extends string>(ranks: Readonly<Record<Name, number>>): Record<Name, Node<'input'>> {
  const inputs = Object.entries<number>(ranks).map(([name, rank]) => {
    if (![0, 1, 2].includes(rank)) throw invalidArgument(`rank 0, 1 or 2 for ${name}`, rank);
    return [name, input(name, names.slice(0, rank))] as const;
  });
  // The entries are those of ranks, whose names fromEntries forgets.
  return Object.fromEntries(inputs) as Record<Name, Node<'input'>>;
}
