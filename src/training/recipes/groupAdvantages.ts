/**
 * How much better each sample of a group is than the group: its reward less the group's mean.
 *
 * With `normalize` it is divided by the group's standard deviation, as in GRPO (Shao et al. 2024, "DeepSeekMath",
 * https://arxiv.org/abs/2402.03300); groups of equal rewards have advantages of 0.
 *
 * @example
 * groupAdvantages([1, 0, 0, 1]); // [0.5, -0.5, -0.5, 0.5]
 */
export function groupAdvantages(
  rewards: readonly number[],
  { normalize = false }: { readonly normalize?: boolean } = {},
): number[] {
  const mean = meanOf(rewards);
  const centered = rewards.map((reward) => reward - mean);
  const deviation = normalize ? Math.sqrt(meanOf(centered.map((value) => value * value))) : 1;
  return centered.map((value) => (deviation === 0 ? 0 : value / deviation));
}

/** The mean of numbers; 0 of none. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
