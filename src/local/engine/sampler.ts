import { describeBaseModel } from './baseModel.js';
import { checkSample } from './checkSample.js';
import type { SampledSequence, SampleJob, SampleResult } from './engine.js';
import { KeyValueCache } from './keyValueCache.js';
import type { LoadedModel } from './loadedModel.js';
import { pickToken } from './pickToken.js';
import { Random } from './random.js';
import { SamplingPass, type SamplingAdapter } from './samplingPass.js';

/** A job with what is known of it so far. */
interface Running {
  readonly job: SampleJob;
  readonly seed: number;
  readonly maxTokens: number;
  /** The prompt's keys and values: one row. */
  readonly prefix: KeyValueCache;
  readonly promptLogprobs: number[];
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
}

/** Prompt tokens read in one slice. */
const prefillChunk = 256;
/** Tokens drawn for each row in one slice. */
const decodeSteps = 8;
/** Sequences continued together. */
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

  /** `together`: whether samples of different jobs are continued in one pass, which can change their last bits. */
  constructor(
    private readonly base: LoadedModel,
    adapter: SamplingAdapter | undefined,
    private readonly together: boolean,
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
      const prefix = new KeyValueCache(this.base.model.config);
      prefix.addRow();
      this.#reading.push({
        job,
        seed: job.seed ?? this.#jobs,
        maxTokens: Math.min(job.maxTokens ?? room, room),
        prefix,
        promptLogprobs: [],
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
    const { job, prefix, promptLogprobs } = running;
    const start = prefix.lengths[0] ?? 0;
    const tokens = job.prompt.slice(start, start + prefillChunk);
    const last = tokens.length - 1;
    const wanted = job.promptLogprobs ? Int32Array.from(tokens.keys()) : Int32Array.of(last);
    const distributions = await this.#pass.run(prefix, tokens, wanted);
    if (job.promptLogprobs)
      distributions.forEach((distribution, i) => {
        const following = job.prompt[start + i + 1];
        if (following !== undefined) promptLogprobs.push(distribution[following] ?? 0);
      });
    if (start + tokens.length < job.prompt.length) return;
    running.first = distributions.at(-1) ?? new Float32Array();
    this.#reading.shift();
    this.#launching.push(running);
  }

  #launch(): void {
    for (let running = this.#launching[0]; running !== undefined; running = this.#launching[0]) {
      for (; running.launched < running.job.numSamples; running.launched++) {
        if (this.#rows.length === maxRows) return;
        const random = new Random(running.seed, running.launched);
        const row: Row = { running, index: running.launched, random, tokens: [], logprobs: [] };
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
      if (current !== undefined && distribution !== undefined && this.#take(current, distribution)) this.#remove(row);
    }
  }

  /** Draws the row's next token; whether that was its last. */
  #take(row: Row, distribution: Float32Array): boolean {
    const { running, index, random, tokens, logprobs } = row;
    const { job, maxTokens, sequences } = running;
    const token = pickToken(distribution, job, random);
    tokens.push(token);
    logprobs.push(distribution[token] ?? 0);
    const stopped = job.stopTokens.includes(token);
    if (!stopped && tokens.length < maxTokens) return false;
    sequences[index] = {
      tokens: Int32Array.from(tokens),
      logprobs: Float32Array.from(logprobs),
      stopReason: stopped ? 'stop' : 'length',
    };
    running.unfinished -= 1;
    if (running.unfinished === 0) {
      const promptLogprobs = job.promptLogprobs ? { promptLogprobs: Float32Array.from(running.promptLogprobs) } : {};
      running.resolve({ sequences, ...promptLogprobs });
    }
    return true;
  }

  #remove(row: number): void {
    const last = this.#rows.pop();
    if (last !== undefined && row < this.#rows.length) this.#rows[row] = last;
    this.#cache.removeRow(row);
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
