import { TinkerError, invalidArgument } from '../../errors.js';
import { type BatchLoss, Expression, batchLoss, lossInput } from '../../losses/index.js';

/**
 * The loss of direct preference optimization, for a batch of chosen, rejected, chosen, …:
 *
 * Σ over pairs of −log σ(β·(r(chosen) − r(rejected))), r = Σ over tokens of weight · (log p − log p_ref)
 *
 * Each datum has `weights` and `ref`, the reference's logprobs. Metrics: `accuracy:mean`, the share of pairs whose
 * chosen answer has the higher r, and `margin:mean`, β times the mean difference. Source: Rafailov et al. 2023,
 * https://arxiv.org/abs/2305.18290.
 *
 * @example
 * ```ts
 * const answer = (token: number): Datum => ({
 *   modelInput: ModelInput.fromTokens([1, 2]),
 *   lossFnInputs: { targetTokens: [2, token], weights: [0, 1], ref: [-1, -1] },
 * });
 * await training.forwardBackwardCustom([answer(7), answer(8)], dpoLoss({ beta: 0.1 })).result();
 * ```
 */
export function dpoLoss({ beta = 0.1 }: { readonly beta?: number } = {}): BatchLoss {
  if (!(beta > 0)) throw invalidArgument('beta to be > 0', beta);
  return batchLoss((data, logprobs) => {
    const ratios = data.map((datum, index) => {
      const p = logprobs[index];
      if (p === undefined) throw new TinkerError('invalid_loss', 'Expected logprobs of each datum, got fewer.');
      return p.sub(lossInput(datum, 'ref')).mul(lossInput(datum, 'weights')).sum();
    });
    const pairs = Expression.stack(ratios).reshape([data.length / 2, 2]);
    const margin = pairs.select(0, 1).sub(pairs.select(1, 1)).mul(beta);
    return {
      loss: margin.logsigmoid().neg().sum(),
      metrics: { 'accuracy:mean': margin.gt(0).mean(), 'margin:mean': margin.mean() },
    };
  });
}
