import { gradientOrNull, input, type Node, sum } from '../../../graph/index.js';
import type { CustomLoss } from './customLoss.js';
import { readLossGraph } from './readLossGraph.js';
import { refusedLoss } from './refusedLoss.js';

const inputName = /^[a-z_][a-z0-9_]{0,63}$/;
const mostInputs = 16;
const mostNodes = 500;
const longestName = 128;

/**
 * Checks that a loss can be computed and differentiated, before there are data.
 *
 * @throws TinkerError `bad_request` that names the input or the node, what was expected and what came.
 */
export function checkCustomLoss(loss: CustomLoss): void {
  const { inputs, nodes } = loss;
  if (inputs.length === 0 || inputs.length > mostInputs)
    throw refusedLoss(`1 to ${String(mostInputs)} inputs`, String(inputs.length));
  if (nodes.length > mostNodes) throw refusedLoss(`at most ${String(mostNodes)} nodes`, String(nodes.length));
  inputs.forEach(({ name, rank }, index) => {
    const place = `inputs.${String(index)}`;
    if (!inputName.test(name)) throw refusedLoss(`a lowercase name of letters, digits and _ in ${place}`, name);
    if (index === 0 && name !== 'logprobs') throw refusedLoss('logprobs as the first input', name);
    if (inputs.findIndex((other) => other.name === name) < index)
      throw refusedLoss(`${name} once in inputs`, 'it twice');
    if (![0, 1, 2].includes(rank)) throw refusedLoss(`rank 0, 1 or 2 of ${name}`, String(rank));
  });
  if (inputs[0]?.rank !== 1) throw refusedLoss('rank 1 of logprobs (one target a position)', String(inputs[0]?.rank));
  const long = nodes.find(({ name, target }) => name.length > longestName || target.length > longestName);
  if (long !== undefined)
    throw refusedLoss(`names of at most ${String(longestName)} characters`, `${long.name.slice(0, longestName)}…`);
  const read = lossInputs(loss);
  const { loss: losses } = readLossGraph(loss, read);
  if (gradientOrNull(sum(losses), [read('logprobs')])[0] === null)
    throw refusedLoss('a loss through which a gradient reaches logprobs', 'one that does not depend on them');
}

/** The inputs of a loss as those of a graph, by name, with the batch in front; tensors of a datum share its sizes. */
export function lossInputs({ inputs }: CustomLoss): (name: string) => Node {
  const nodes = new Map(inputs.map(({ name, rank }) => [name, lossInput(name, rank)]));
  return (name) => {
    const node = nodes.get(name);
    if (node === undefined) throw refusedLoss('an input of the loss', name);
    return node;
  };
}

/** One input of a loss, named so that no input of the model has the same name. */
export function lossInput(name: string, rank: number): Node {
  return input(lossFeed(name), ['batch', ...['sequence', 'k'].slice(0, rank)]);
}

/** The name under which an input of a loss is fed. */
export function lossFeed(name: string): string {
  return `loss.${name}`;
}
