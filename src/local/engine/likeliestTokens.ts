/** Tokens up to which inserting the likeliest is quicker than sorting all. */
const mostInserted = 128;

/** The `count` likeliest tokens of a distribution, likeliest first; equal ones in the order of their indices. */
export function likeliestTokens(logprobs: Float32Array, count: number): number[] {
  const at = (token: number | undefined): number => logprobs[token ?? -1] ?? -Infinity;
  if (count > mostInserted)
    return Array.from(
      Uint32Array.from(logprobs.keys())
        .sort((a, b) => at(b) - at(a) || a - b)
        .subarray(0, count),
    );
  const best: number[] = [];
  for (let token = 0; token < logprobs.length; token++) {
    const logprob = at(token);
    const worst = best[count - 1];
    if (worst !== undefined && logprob <= at(worst)) continue;
    let place = Math.min(best.length, count - 1);
    for (; place > 0 && at(best[place - 1]) < logprob; place--) best[place] = best[place - 1] ?? 0;
    best[place] = token;
  }
  return best;
}
