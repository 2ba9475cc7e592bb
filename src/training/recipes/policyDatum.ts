import { TinkerError, invalidArgument } from '../../errors.js';
import { type Datum, ModelInput } from '../../wire/index.js';
import type { Rollout } from './problem.js';

/** A datum made of a sample. */
export interface PolicyDatum extends Datum {
  readonly rollout: Rollout;
  /** Of the whole sample, within its group. */
  readonly advantage: number;
  /** Mean over the sample's tokens of its logprob less the reference's, where there is a reference. */
  readonly referenceKl?: number;
}

/**
 * A sample as a datum for the losses of reinforcement learning: target tokens, the sampler's logprobs, and advantages,
 * all of them 0 at the prompt's positions.
 *
 * @param advantages - One for each sampled token, or one for all.
 * @throws TinkerError `invalid_response` for a sample without logprobs, `invalid_argument` for another number of
 *   advantages
 * @example
 * const sample = { tokens: Int32Array.of(7, 8), logprobs: Float32Array.of(-0.5, -0.1), stopReason: 'length' } as const;
 * policyDatum({ prompt: ModelInput.fromTokens([1, 2]), sample }, 0.5).lossFnInputs?.advantages; // [0, 0.5, 0.5]
 */
export function policyDatum(
  { prompt, sample }: Pick<Rollout, 'prompt' | 'sample'>,
  advantages: number | readonly number[],
): Datum {
  const { tokens, logprobs } = sample;
  if (logprobs?.length !== tokens.length)
    throw new TinkerError(
      'invalid_response',
      `Expected a logprob for each of ${tokens.length} sampled tokens, got ${logprobs?.length ?? 'none'}.`,
    );
  const given = typeof advantages === 'number' ? Array.from(tokens, () => advantages) : advantages;
  if (given.length !== tokens.length)
    throw invalidArgument(`an advantage for each of ${tokens.length} sampled tokens`, given);
  const all = Int32Array.of(...prompt.tokens(), ...tokens);
  const behindPrompt = (values: ArrayLike<number>): Float32Array => {
    const padded = new Float32Array(all.length - 1);
    padded.set(values, prompt.length - 1);
    return padded;
  };
  return {
    modelInput: ModelInput.fromTokens(all.slice(0, -1)),
    lossFnInputs: {
      targetTokens: all.slice(1),
      logprobs: behindPrompt(logprobs),
      advantages: behindPrompt(given),
    },
  };
}
