import type { Datum, ForwardBackwardOutput } from '../wire/index.js';
import { lossTokens } from './lossTokens.js';

/** Nats a token that is trained on: −Σ weight · logprob / Σ weight. */
export function meanNll(batch: readonly Datum[], output: Pick<ForwardBackwardOutput, 'lossFnOutputs'>): number {
  const sum = batch.reduce((total, { lossFnInputs }, index) => {
    const logprobs = output.lossFnOutputs[index]?.logprobs?.data ?? [];
    const weights = lossFnInputs?.weights;
    const values = weights === undefined ? undefined : 'data' in weights ? weights.data : weights;
    return Array.from(logprobs, Number).reduce(
      (nll, logprob, position) => nll - Number(values?.[position] ?? 1) * logprob,
      total,
    );
  }, 0);
  return sum / lossTokens(batch);
}
