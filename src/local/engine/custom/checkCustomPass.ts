import { describe } from '../../../errors.js';
import type { EngineDatum, ForwardBackwardJob } from '../engine.js';
import type { CustomLoss } from './customLoss.js';
import { refusedLoss } from './refusedLoss.js';

/**
 * Checks that the data bring what a loss reads; tensors that it does not read are of no interest.
 *
 * @throws TinkerError `bad_request` that names the datum and the input.
 */
export function checkCustomPass(job: ForwardBackwardJob): void {
  const loss = job.customLoss;
  if (loss === undefined) throw refusedLoss('a graph for the loss custom', 'none');
  job.data.forEach((datum, index) => {
    checkInputs(loss, datum, `data[${String(index)}]`);
  });
}

function checkInputs({ inputs }: CustomLoss, { tokens, inputs: given }: EngineDatum, where: string): void {
  const matrices = new Set<number>();
  for (const { name, rank } of inputs.slice(1)) {
    const tensor = given[name];
    if (tensor === undefined)
      throw refusedLoss(`${name} in the loss inputs of ${where}`, Object.keys(given).join(', ') || 'no inputs');
    const { shape, data } = tensor;
    if (shape.length !== rank)
      throw refusedLoss(
        `${name} of ${where} with ${String(rank)} axes, as the loss says`,
        `shape [${shape.join(', ')}]`,
      );
    if (rank > 0 && shape[0] !== tokens.length)
      throw refusedLoss(`${name} of ${where} as long as the tokens, ${String(tokens.length)}`, String(shape[0]));
    if (shape[1] !== undefined) matrices.add(shape[1]);
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw refusedLoss(`finite numbers as ${name} of ${where}`, `${describe(data[bad])} at position ${String(bad)}`);
  }
  if (matrices.size > 1) throw refusedLoss(`matrices of equally many columns in ${where}`, [...matrices].join(' and '));
}
