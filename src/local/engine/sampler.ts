import { describeBaseModel } from './baseModel.js';
import { checkSample } from './checkSample.js';
import type { SampledSequence, SampleJob, SampleResult } from './engine.js';
import { KeyValueCache } from './keyValueCache.js';
import type { LoadedModel } from './loadedModel.js';
import { likeliestTokens } from './likeliestTokens.js';
import { pickToken } from './pickToken.js';
import type { PromptCache } from './promptCache.js';
import { PromptScores } from './promptScores.js';
import { Random } from './random.js';
import { SamplingPass, type SamplingAdapter } from './samplingPass.js';
import { StopTextMatcher } from './stopTextMatcher.js';
import { TokenTableBuilder } from './tokenTableBuilder.js';

/** A job with what is known of it so far. */
interface Running {
  readonly job: SampleJob;
  readonly seed: number;
  readonly maxTokens: number;
  /** The prompt's keys and values, as far as it is read: one row, or none before. */
  prefix: KeyValueCache;
  /** Leading tokens that were known from a prompt before. */
  known: number;
  readonly scores: PromptScores;
  /** The distribution after the prompt, once the whole of it is read. */
  first?: Float32Array;
  launched: number;
  unfinished: number;
  readonly sequences: SampledSequence[];
  readonly resolve: (result: SampleResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A sample that is being drawn; it has the row of the cache with its own index. */
interface Row {
  readonly running: Running;
  readonly index: number;
  readonly random: Random;
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly top: TokenTableBuilder | undefined;
  readonly stopTexts: StopTextMatcher | undefined;
}

/** Prompt tokens read in one slice. */
const prefillChunk = 256;
/** Tokens drawn for each row in one slice. */
const decodeSteps = 8;
/** Sequences continued together, where memory allows. */
const maxRows = 64;

/**
 * Draws samples from fixed weights: prompts are read in chunks, then the samples of all jobs are continued together,
 * a few tokens a slice, so that others can compute in between.
 */
export class Sampler {
  readonly #pass: SamplingPass;
  readonly #cache: KeyValueCache;
  #reading: Running[] = [];
  #launching: Running[] = [];
  #rows: Row[] = [];
  #jobs = 0;

  /**
   * `together`: whether samples of different jobs are continued in one pass, and a prompt is read on from wherever one
   * before began alike, which can change their last bits.
   */
  constructor(
    private readonly base: LoadedModel,
    adapter: SamplingAdapter | undefined,
    private readonly together: boolean,
    private readonly prompts: PromptCache,
  ) {
    this.#pass = new SamplingPass(base, adapter);
    this.#cache = new KeyValueCache(base.model.config);
  }

  /** Queues a job; it advances by {@link advance}. */
  sample(job: SampleJob): Promise<SampleResult> {
    const limits = describeBaseModel(this.base.model);
    return new Promise((resolve, reject) => {
      checkSample(limits, job);
      const room = Math.max(1, limits.maxContextLength - job.prompt.length);
      const maxTokens = Math.min(job.maxTokens ?? room, room);
      this.base.checkCachedRow(job.prompt.length + maxTokens);
      const seed = job.seed ?? this.#jobs;
      this.#reading.push({
        job,
        seed,
        maxTokens,
        prefix: new KeyValueCache(this.base.model.config),
        known: 0,
        scores: new PromptScores(job, seed),
        launched: 0,
        unfinished: job.numSamples,
        sequences: [],
        resolve,
        reject,
      });
      this.#jobs += 1;
    });
  }

  /** Computes one slice; whether there is more to do. */
  async advance(): Promise<boolean> {
    const next = this.#reading[0];
    const free = this.#rows.length + this.#launching.length === 0;
    if (next !== undefined && (free || (this.together && this.#rows.length < maxRows))) {
      await this.#read(next).catch((error: unknown) => {
        this.#fail([next], error);
      });
    } else {
      for (let step = 0; step < decodeSteps && this.#rows.length > 0; step++)
        await this.#decode().catch((error: unknown) => {
          this.#fail(
            this.#rows.map(({ running }) => running),
            error,
          );
        });
    }
    this.#launch();
    return this.#reading.length + this.#launching.length + this.#rows.length > 0;
  }

  async #read(running: Running): Promise<void> {
    if (running.prefix.lengths.length === 0) this.#begin(running);
    if (running.first === undefined) {
      const next = await this.#readChunk(running);
      if (next === undefined) return;
      running.first = next;
      this.prompts.add(this, { tokens: running.job.prompt, cache: running.prefix, next });
    }
    this.#reading.shift();
    this.#launching.push(running);
  }

  /** Takes over what is known of the prompt from one before that began alike. */
  #begin(running: Running): void {
    const { job, prefix, scores } = running;
    const found = scores.needed ? undefined : this.prompts.find(this, job.prompt);
    const next = found?.prompt.tokens.length === job.prompt.length ? found.prompt.next : undefined;
    if (found?.shared === job.prompt.length && next !== undefined) {
      [running.prefix, running.first, running.known] = [found.prompt.cache, next, found.shared];
      return;
    }
    // The last token is read in any case, for the distribution after it.
    const shared = Math.min(found?.shared ?? 0, job.prompt.length - 1);
    running.known = this.together ? shared : shared - (shared % prefillChunk);
    if (found === undefined || running.known === 0) prefix.addRow();
    else prefix.addCopy(found.prompt.cache, 0, running.known);
  }

  /** Reads a part of the prompt; the distribution after it where that was the last. */
  async #readChunk({ job, prefix, scores }: Running): Promise<Float32Array | undefined> {
    const start = prefix.lengths[0] ?? 0;
    const tokens = job.prompt.slice(start, start + prefillChunk);
    const wanted = scores.needed ? Int32Array.from(tokens.keys()) : Int32Array.of(tokens.length - 1);
    const distributions = await this.#pass.run(prefix, tokens, wanted);
    if (scores.needed)
      distributions.forEach((distribution, i) => {
        const position = start + i + 1;
        if (position < job.prompt.length) scores.add(position, distribution);
      });
    return start + tokens.length < job.prompt.length ? undefined : distributions.at(-1)?.slice();
  }

  #launch(): void {
    for (let running = this.#launching[0]; running !== undefined; running = this.#launching[0]) {
      const longest = Math.max(lengthOf(running), ...this.#rows.map((row) => lengthOf(row.running)));
      const most = Math.min(maxRows, Math.max(1, this.base.cachedRowsThatFit(longest)));
      for (; running.launched < running.job.numSamples; running.launched++) {
        if (this.#rows.length >= most) return;
        const row = newRow(running, running.launched);
        if (this.#take(row, running.first ?? new Float32Array())) continue;
        this.#rows.push(row);
        this.#cache.addCopy(running.prefix, 0);
      }
      this.#launching.shift();
    }
  }

  async #decode(): Promise<void> {
    const tokens = Int32Array.from(this.#rows, ({ tokens: drawn }) => drawn.at(-1) ?? 0);
    const distributions = await this.#pass.run(this.#cache, tokens, Int32Array.from(tokens.keys()));
    for (let row = this.#rows.length - 1; row >= 0; row--) {
      const current = this.#rows[row];
      const distribution = distributions[row];
      if (current === undefined || distribution === undefined || !this.#take(current, distribution)) continue;
      // What a pass of several rows computed can differ in its last bits from a reading.
      if (this.together && current.running.job.numSamples === 1) this.#keep(current, row);
      this.#remove(row);
    }
  }

  /** Keeps a prompt with its sample, but for the last token, which was not read. */
  #keep({ running: { job }, tokens }: Row, row: number): void {
    const cache = new KeyValueCache(this.base.model.config);
    cache.addCopy(this.#cache, row);
    const read = new Int32Array(job.prompt.length + tokens.length - 1);
    read.set(job.prompt);
    read.set(tokens.slice(0, -1), job.prompt.length);
    this.prompts.add(this, { tokens: read, cache });
  }

  /** Draws the row's next token; whether that was its last. */
  #take(row: Row, distribution: Float32Array): boolean {
    const { running, index, random, tokens, logprobs, top } = row;
    const { job, maxTokens, sequences } = running;
    const token = pickToken(distribution, job, random);
    tokens.push(token);
    logprobs.push(distribution[token] ?? 0);
    top?.add(likeliestTokens(distribution, top.width), distribution);
    const completesText = row.stopTexts?.add(token) ?? false;
    const stopped = completesText || job.stopTokens.includes(token);
    if (!stopped && tokens.length < maxTokens) return false;
    sequences[index] = {
      tokens: Int32Array.from(tokens),
      logprobs: Float32Array.from(logprobs),
      stopReason: stopped ? 'stop' : 'length',
      ...(top !== undefined && { top: top.table() }),
    };
    running.unfinished -= 1;
    if (running.unfinished === 0)
      running.resolve({ sequences, promptCacheHitTokens: running.known, ...running.scores.result() });
    return true;
  }

  #remove(row: number): void {
    const last = this.#rows.pop();
    if (last !== undefined && row < this.#rows.length) this.#rows[row] = last;
    this.#cache.removeRow(row);
    if (this.#rows.length === 0) this.#pass.drop(this.#cache);
  }

  #fail(failed: readonly Running[], error: unknown): void {
    for (const running of failed) running.reject(error);
    const stays = (running: Running): boolean => !failed.includes(running);
    this.#reading = this.#reading.filter(stays);
    this.#launching = this.#launching.filter(stays);
    for (let row = this.#rows.length - 1; row >= 0; row--) {
      const current = this.#rows[row];
      if (current !== undefined && !stays(current.running)) this.#remove(row);
    }
  }
}

/** Tokens that a sample of a job can have with its prompt. */
function lengthOf({ job, maxTokens }: Running): number {
  return job.prompt.length + maxTokens;
}

function newRow(running: Running, index: number): Row {
  const { job, seed } = running;
  const { sampleTopK = 0, stopTexts } = job;
  return {
    running,
    index,
    random: new Random(seed, index),
    tokens: [],
    logprobs: [],
    top: sampleTopK > 0 ? new TokenTableBuilder(sampleTopK) : undefined,
    stopTexts: stopTexts && new StopTextMatcher(stopTexts),
  };
}
