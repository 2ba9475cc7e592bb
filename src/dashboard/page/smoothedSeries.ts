type Values = readonly (number | null)[];

/**
 * An exponential moving average of a series that grows; values that are missing are passed over.
 *
 * The average so far is divided by the weight that it has of all, 1 − wⁿ, so that it does not lean to 0 at first (Adam's
 * correction of bias: Kingma and Ba, https://arxiv.org/abs/1412.6980).
 */
export class SmoothedSeries {
  readonly #weight: number;
  readonly #smoothed: (number | null)[] = [];
  /** Of all values but the last, which may still change. */
  #average = 0;
  #share = 0;

  /** @param weight Of the average so far against a new value: 0 leaves the series as it is, near 1 smooths most. */
  constructor(weight: number) {
    this.#weight = weight;
  }

  /** The average up to each value; all values but the last of the call before must still be the same. */
  extendTo(values: Values): Values {
    this.#smoothed.pop();
    for (let index = this.#smoothed.length; index < values.length; index++) {
      const value = values[index];
      const isMissing = value === null || value === undefined || !Number.isFinite(value);
      const average = isMissing ? this.#average : this.#weight * this.#average + (1 - this.#weight) * value;
      const share = isMissing ? this.#share : this.#weight * this.#share + (1 - this.#weight);
      this.#smoothed.push(isMissing ? null : average / share);
      if (index === values.length - 1) break;
      this.#average = average;
      this.#share = share;
    }
    return this.#smoothed;
  }
}
