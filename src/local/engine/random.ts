/**
 * A stream of pseudo-random numbers: xoshiro128** (Blackman and Vigna, 2018) seeded by SplitMix32. The same seed and
 * stream give the same numbers on every machine.
 *
 * @example
 * ```ts
 * const random = new Random(7);
 * random.uniform(); // in [0, 1)
 * ```
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` and `stream` are integers; of each the low 53 bits count. */
  constructor(seed: number, stream = 0) {
    let state = 0x9e3779b9;
    for (const value of [seed, stream]) {
      state = splitMix(state ^ (value >>> 0));
      state = splitMix(state ^ (Math.floor(value / 2 ** 32) >>> 0));
    }
    this.#a = splitMix(state);
    this.#b = splitMix(state + 0x9e3779b9);
    this.#c = splitMix(state + 2 * 0x9e3779b9);
    this.#d = splitMix(state + 3 * 0x9e3779b9) | 1;
  }

  /** An integer in [0, 2³²). */
  uint32(): number {
    const b5 = Math.imul(this.#b, 5);
    const result = Math.imul((b5 << 7) | (b5 >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number in [0, 1), a multiple of 2⁻³². */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A draw from the standard normal distribution (Box and Muller, 1958; one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / 2 ** 32));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

function splitMix(state: number): number {
  let z = (state + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
