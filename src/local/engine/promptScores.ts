import type { SampleJob, SampleResult } from './engine.js';
import { likeliestTokens } from './likeliestTokens.js';
import { pickToken } from './pickToken.js';
import { Random } from './random.js';
import { TokenTableBuilder } from './tokenTableBuilder.js';

/** Keeps the draws for prompt positions apart from the samples, whose streams are 0, 1, 2, …. */
const drawStream = 2 ** 32;

/** What a job wants to know about its prompt, gathered position by position as the prompt is read. */
export class PromptScores {
  /** Whether the distribution at every position is needed, not the last alone. */
  readonly needed: boolean;
  readonly #job: SampleJob;
  readonly #random: Random;
  readonly #logprobs: number[] = [];
  readonly #top: TokenTableBuilder | undefined;
  readonly #draws: TokenTableBuilder | undefined;
  readonly #targets: Float32Array | undefined;

  constructor(job: SampleJob, seed: number) {
    const { promptTopK = 0, promptDraws = 0, promptTargets } = job;
    this.#job = job;
    this.#random = new Random(seed, drawStream);
    this.#top = promptTopK > 0 ? new TokenTableBuilder(promptTopK) : undefined;
    this.#draws = promptDraws > 0 ? new TokenTableBuilder(promptDraws) : undefined;
    this.#targets = promptTargets && new Float32Array(promptTargets.tokens.length);
    this.needed = job.promptLogprobs || [this.#top, this.#draws, this.#targets].some((part) => part !== undefined);
  }

  /** Takes the distribution of the token at a position, from 1 to the end of the prompt. */
  add(position: number, distribution: Float32Array): void {
    const { prompt, promptLogprobs, promptTargets, temperature } = this.#job;
    if (promptLogprobs) this.#logprobs.push(distribution[prompt[position] ?? 0] ?? 0);
    this.#top?.add(likeliestTokens(distribution, this.#top.width), distribution);
    if (this.#draws !== undefined) {
      const options = { temperature, topK: -1, topP: 1 };
      const drawn = Array.from({ length: this.#draws.width }, () => pickToken(distribution, options, this.#random));
      this.#draws.add(drawn, distribution);
    }
    if (this.#targets === undefined || promptTargets === undefined) return;
    const end = promptTargets.starts[position] ?? 0;
    for (let at = promptTargets.starts[position - 1] ?? 0; at < end; at++) {
      const token = promptTargets.tokens[at] ?? -1;
      if (token >= 0) this.#targets[at] = distribution[token] ?? 0;
    }
  }

  result(): Omit<SampleResult, 'sequences' | 'promptCacheHitTokens'> {
    return {
      ...(this.#job.promptLogprobs && { promptLogprobs: Float32Array.from(this.#logprobs) }),
      ...(this.#top !== undefined && { promptTop: this.#top.table() }),
      ...(this.#draws !== undefined && { promptDraws: this.#draws.table() }),
      ...(this.#targets !== undefined && { promptTargets: this.#targets }),
    };
  }
}
