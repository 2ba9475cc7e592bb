import type { TokenTable } from './engine.js';

/** Collects as many tokens for each position. */
export class TokenTableBuilder {
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];

  constructor(readonly width: number) {}

  /** Adds one position: its tokens, scored by the distribution there. */
  add(tokens: readonly number[], distribution: Float32Array): void {
    for (const token of tokens) {
      this.#tokens.push(token);
      this.#logprobs.push(distribution[token] ?? 0);
    }
  }

  table(): TokenTable {
    return { tokens: Int32Array.from(this.#tokens), logprobs: Float32Array.from(this.#logprobs), width: this.width };
  }
}
