import { invalidArgument } from '../../errors.js';

/**
 * The chance that at least one of k samples is right, estimated without bias from n samples of which c are right:
 * 1 − C(n − c, k) / C(n, k) (Chen et al. 2021, "Evaluating Large Language Models Trained on Code",
 * https://arxiv.org/abs/2107.03374).
 *
 * @throws TinkerError `invalid_argument` unless 0 ≤ c ≤ n and 1 ≤ k ≤ n, all whole numbers
 * @example
 * passAtK({ n: 4, c: 1, k: 2 }); // 0.5
 */
export function passAtK({ n, c, k }: { readonly n: number; readonly c: number; readonly k: number }): number {
  if (![n, c, k].every(Number.isInteger) || c < 0 || c > n || k < 1 || k > n)
    throw invalidArgument('whole numbers 0 ≤ c ≤ n and 1 ≤ k ≤ n', `n ${n}, c ${c}, k ${k}`);
  // C(n − c, k) / C(n, k) as a product, which does not overflow.
  let none = 1;
  for (let drawn = 0; drawn < k; drawn += 1) none *= Math.max(0, n - c - drawn) / (n - drawn);
  return 1 - none;
}
