import type { Datum } from '../wire/index.js';

/** The sum of the weights of a batch's tokens in the loss; a datum of text alone weighs each token but the first 1. */
export function lossTokens(batch: readonly Datum[]): number {
  return batch.reduce((sum, datum) => sum + weightOf(datum), 0);
}

function weightOf({ modelInput, lossFnInputs }: Datum): number {
  if (lossFnInputs === undefined || Object.keys(lossFnInputs).length === 0) return Math.max(0, modelInput.length - 1);
  const { weights } = lossFnInputs;
  if (weights === undefined) return modelInput.length;
  const values: ArrayLike<number | bigint> = 'data' in weights ? weights.data : weights;
  return Array.from(values, Number).reduce((sum, weight) => sum + weight, 0);
}
