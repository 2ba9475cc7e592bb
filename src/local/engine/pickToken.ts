import type { SampleJob } from './engine.js';
import { likeliestTokens } from './likeliestTokens.js';
import type { Random } from './random.js';

/** Likeliest tokens that are looked at for the mass of a nucleus before all are sorted. */
const firstLooks = [16, 96];

/** How a token is drawn: temperature 0 is greedy, topK −1 is all, topP 1 is all. */
export type PickOptions = Pick<SampleJob, 'temperature' | 'topK' | 'topP'>;

/**
 * Draws a token from log-probabilities: scaled by the temperature, then the topK likeliest, then the fewest likeliest
 * that together reach topP (Holtzman et al. 2020, arXiv:1904.09751). Equal ones in the order of their indices.
 */
export function pickToken(logprobs: Float32Array, { temperature, topK, topP }: PickOptions, random: Random): number {
  const best = likeliest(logprobs);
  if (temperature === 0) return best;
  const weights = weightsOf(logprobs, logprobs[best] ?? 0, temperature);
  const some = topK !== -1 || topP !== 1;
  const kept = some ? nucleus(logprobs, weights, topK === -1 ? weights.length : topK, topP) : undefined;
  const count = kept?.length ?? weights.length;
  let left = random.uniform() * (kept === undefined ? sumOf(weights) : sumOf(kept.map((token) => weights[token] ?? 0)));
  for (let i = 0; i < count; i++) {
    const token = kept === undefined ? i : (kept[i] ?? best);
    left -= weights[token] ?? 0;
    if (left < 0) return token;
  }
  return best;
}

function likeliest(logprobs: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logprobs.length; token++)
    if ((logprobs[token] ?? -Infinity) > (logprobs[best] ?? -Infinity)) best = token;
  return best;
}

/** exp of the logprobs over the temperature, 1 for the likeliest. */
function weightsOf(logprobs: Float32Array, top: number, temperature: number): Float64Array {
  const weights = new Float64Array(logprobs.length);
  for (let token = 0; token < weights.length; token++)
    weights[token] = Math.exp(((logprobs[token] ?? -Infinity) - top) / temperature);
  return weights;
}

/** The tokens that are drawn from, likeliest first. Few of the vocabulary mostly hold the mass: it is not sorted. */
function nucleus(logprobs: Float32Array, weights: Float64Array, topK: number, topP: number): readonly number[] {
  const most = Math.min(topK, weights.length);
  if (topP === 1) return likeliestTokens(logprobs, most);
  const enough =
    topP *
    (most < weights.length
      ? sumOf(likeliestTokens(logprobs, most).map((token) => weights[token] ?? 0))
      : sumOf(weights));
  for (const count of [...firstLooks, most]) {
    const order = likeliestTokens(logprobs, Math.min(count, most));
    let mass = 0;
    const end = order.findIndex((token) => (mass += weights[token] ?? 0) >= enough);
    if (end !== -1) return order.slice(0, end + 1);
  }
  return likeliestTokens(logprobs, most);
}

function sumOf(values: Float64Array | readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
