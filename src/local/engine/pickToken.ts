import type { SampleJob } from './engine.js';
import type { Random } from './random.js';

/** How a token is drawn: temperature 0 is greedy, topK −1 is all, topP 1 is all. */
export type PickOptions = Pick<SampleJob, 'temperature' | 'topK' | 'topP'>;

/**
 * Draws a token from log-probabilities: scaled by the temperature, then the topK likeliest, then the fewest likeliest
 * that together reach topP (Holtzman et al. 2020, arXiv:1904.09751). Equal ones in the order of their indices.
 */
export function pickToken(logprobs: Float32Array, { temperature, topK, topP }: PickOptions, random: Random): number {
  const best = likeliest(logprobs);
  if (temperature === 0) return best;
  const top = logprobs[best] ?? 0;
  const weights = Float64Array.from(logprobs, (logprob) => Math.exp((logprob - top) / temperature));
  const all = topK === -1 && topP === 1;
  const candidates = all ? weights.keys() : nucleus(weights, topK === -1 ? weights.length : topK, topP);
  const kept = [...candidates];
  let left = random.uniform() * sumOf(weights, kept);
  for (const token of kept) {
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

function nucleus(weights: Float64Array, topK: number, topP: number): number[] {
  const order = [...weights.keys()].sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b).slice(0, topK);
  const enough = topP * sumOf(weights, order);
  let mass = 0;
  const end = order.findIndex((token) => (mass += weights[token] ?? 0) >= enough);
  return end === -1 ? order : order.slice(0, end + 1);
}

function sumOf(weights: Float64Array, tokens: readonly number[]): number {
  return tokens.reduce((sum, token) => sum + (weights[token] ?? 0), 0);
}
