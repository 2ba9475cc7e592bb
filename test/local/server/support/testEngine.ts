import { TinkerError } from '../../../../src/errors.js';
import type {
  AdamWParameters,
  AdapterState,
  BaseModelInfo,
  Engine,
  ForwardBackwardJob,
  ForwardBackwardResult,
  LoraShape,
  SampleJob,
  SampleResult,
  SamplerWeights,
} from '../../../../src/local/engine/engine.js';

const vocabulary = 8;

interface TestModel {
  readonly lora: LoraShape;
  /** Bigram logits, [vocabulary, vocabulary]; the base is all zeros. */
  logits: Float64Array;
  gradient: Float64Array;
  steps: number;
}

/**
 * An engine that computes a bigram model: the logits of the next token are a row of a table, trained by plain gradient
 * descent. It is exact, quick, and can be held so that tests see what runs when.
 */
export class TestEngine implements Engine {
  readonly runtime = 'a bigram table';
  readonly baseModels: readonly BaseModelInfo[] = ['test/bigram', 'test/other'].map((name) => ({
    name,
    architecture: 'bigram',
    maxContextLength: 16,
    vocabularySize: vocabulary,
    eosTokens: [0],
    tokenizerFile: `/tokenizers/${name}.json`,
  }));
  /** What was executed, e.g. `forwardBackward model`, in order. */
  readonly log: string[] = [];
  readonly models = new Map<string, TestModel>();
  readonly samplers = new Map<string, Float64Array>();
  /** Called before an operation computes; the operation waits for it. */
  before: (what: string) => Promise<void> = () => Promise.resolve();
  #tail: Promise<unknown> = Promise.resolve();

  createModel(modelId: string, _baseModel: string, lora: LoraShape): Promise<void> {
    return this.#run(`createModel ${modelId}`, () => {
      const size = vocabulary * vocabulary;
      this.models.set(modelId, { lora, logits: new Float64Array(size), gradient: new Float64Array(size), steps: 0 });
    });
  }

  checkForwardBackward(_baseModel: string, { data, loss }: ForwardBackwardJob): void {
    if (loss !== 'cross_entropy') throw new TinkerError('bad_request', `Expected cross_entropy, got ${loss}.`);
    for (const { tokens, inputs } of data) {
      const targets = inputs.target_tokens;
      if (targets?.data.length !== tokens.length)
        throw new TinkerError('bad_request', 'Expected as many targets as tokens.');
      const wrong = [...tokens, ...targets.data].find((token) => token < 0 || token >= vocabulary);
      if (wrong !== undefined) throw new TinkerError('bad_request', `Expected tokens below 8, got ${wrong}.`);
    }
  }

  forwardBackward(modelId: string, job: ForwardBackwardJob): Promise<ForwardBackwardResult> {
    return this.#run(`${job.backward ? 'forwardBackward' : 'forward'} ${modelId}`, () => {
      const model = this.#model(modelId);
      let loss = 0;
      const outputs = job.data.map(({ tokens, inputs }) => {
        const targets = inputs.target_tokens?.data ?? [];
        const weights = inputs.weights?.data;
        const logprobs = Float32Array.from(tokens, (token, position) => {
          const target = targets[position] ?? 0;
          const row = logSoftmax(model.logits, token);
          const weight = weights?.[position] ?? 1;
          loss -= weight * (row[target] ?? 0);
          if (job.backward) {
            row.forEach((logprob, next) => {
              const at = token * vocabulary + next;
              model.gradient[at] = (model.gradient[at] ?? 0) + weight * (Math.exp(logprob) - (next === target ? 1 : 0));
            });
          }
          return row[target] ?? 0;
        });
        return { logprobs: { data: logprobs, shape: [logprobs.length] } };
      });
      return { outputs, metrics: { 'loss:sum': loss } };
    });
  }

  optimStep(modelId: string, parameters: AdamWParameters): Promise<{ metrics: Record<string, number> }> {
    return this.#run(`optimStep ${modelId}`, () => {
      const model = this.#model(modelId);
      const norm = Math.hypot(...model.gradient);
      model.logits = model.logits.map((value, at) => value - parameters.learning_rate * (model.gradient[at] ?? 0));
      model.gradient.fill(0);
      model.steps += 1;
      return { metrics: { 'grad_norm:mean': norm } };
    });
  }

  saveState(modelId: string, { optimizer }: { optimizer: boolean }): Promise<AdapterState> {
    return this.#run(`saveState ${modelId}`, () => {
      const model = this.#model(modelId);
      const adapter = new Uint8Array(model.logits.slice().buffer);
      return optimizer ? { adapter, optimizer: Uint8Array.of(model.steps) } : { adapter };
    });
  }

  loadState(modelId: string, state: AdapterState): Promise<void> {
    return this.#run(`loadState ${modelId}`, () => {
      const model = this.#model(modelId);
      model.logits = new Float64Array(state.adapter.slice().buffer);
      model.gradient.fill(0);
      model.steps = state.optimizer?.[0] ?? 0;
    });
  }

  unloadModel(modelId: string): Promise<void> {
    return this.#run(`unloadModel ${modelId}`, () => {
      this.models.delete(modelId);
    });
  }

  createSampler(samplerId: string, { adapter }: SamplerWeights): Promise<void> {
    return this.#run(`createSampler`, () => {
      const logits =
        adapter === undefined ? new Float64Array(vocabulary * vocabulary) : new Float64Array(adapter.slice().buffer);
      this.samplers.set(samplerId, logits);
    });
  }

  removeSampler(samplerId: string): Promise<void> {
    return this.#run('removeSampler', () => {
      this.samplers.delete(samplerId);
    });
  }

  checkSample(_baseModel: string, { prompt }: SampleJob): void {
    if (prompt.length === 0) throw new TinkerError('bad_request', 'Expected a prompt of at least one token, got none.');
    const wrong = prompt.find((token) => token >= vocabulary);
    if (wrong !== undefined) throw new TinkerError('bad_request', `Expected tokens below 8, got ${wrong}.`);
  }

  /** Takes the likeliest token, the first of equals, whatever the temperature. */
  sample(samplerId: string, job: SampleJob): Promise<SampleResult> {
    return this.#run('sample', () => {
      const logits = this.samplers.get(samplerId);
      if (logits === undefined) throw new TinkerError('server_error', `No sampler ${samplerId}.`);
      const tokens: number[] = [];
      const logprobs: number[] = [];
      let last = job.prompt.at(-1) ?? 0;
      let stopped = false;
      while (!stopped && tokens.length < Math.min(job.maxTokens ?? 4, 16)) {
        const row = logSoftmax(logits, last);
        last = row.indexOf(Math.max(...row));
        tokens.push(last);
        logprobs.push(row[last] ?? 0);
        stopped = job.stopTokens.includes(last);
      }
      const sequence = {
        tokens: Int32Array.from(tokens),
        logprobs: Float32Array.from(logprobs),
        stopReason: stopped ? ('stop' as const) : ('length' as const),
      };
      const promptLogprobs = Float32Array.from(
        job.prompt.subarray(1),
        (token, before) => logSoftmax(logits, job.prompt[before] ?? 0)[token] ?? 0,
      );
      return {
        sequences: Array.from({ length: job.numSamples }, () => sequence),
        promptCacheHitTokens: 0,
        ...(job.promptLogprobs ? { promptLogprobs } : {}),
      };
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #run<T>(what: string, compute: () => T): Promise<T> {
    const result = this.#tail.then(async () => {
      await this.before(what);
      this.log.push(what);
      return compute();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #model(modelId: string): TestModel {
    const model = this.models.get(modelId);
    if (model === undefined) throw new TinkerError('server_error', `No model ${modelId}.`);
    return model;
  }
}

function logSoftmax(logits: Float64Array, row: number): Float64Array {
  const values = logits.slice(row * vocabulary, (row + 1) * vocabulary);
  const normalizer = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
  return values.map((value) => value - normalizer);
}
