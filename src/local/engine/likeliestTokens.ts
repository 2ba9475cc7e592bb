/** The `count` likeliest tokens of a distribution, likeliest first; equal ones in the order of their indices. */
export function likeliestTokens(logprobs: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let token = 0; token < logprobs.length; token++) {
    const logprob = logprobs[token] ?? -Infinity;
    const worst = best[count - 1];
    if (worst !== undefined && logprob <= (logprobs[worst] ?? -Infinity)) continue;
    let place = Math.min(best.length, count - 1);
    for (; place > 0 && (logprobs[best[place - 1] ?? 0] ?? -Infinity) < logprob; place--) {
      best[place] = best[place - 1] ?? 0;
    }
    best[place] = token;
  }
  return best;
}
