import { describe, TinkerError } from '../../errors.js';
import { readAdapter } from './adapterFile.js';
import { checkAdamW } from './checkAdamW.js';
import { describeBaseModel, type BaseModel } from './baseModel.js';
import { checkForwardBackward } from './checkForwardBackward.js';
import { checkLora } from './checkLora.js';
import { checkSample } from './checkSample.js';
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
} from './engine.js';
import type { EngineLog } from './engineLog.js';
import type { EngineOptions } from './engineOptions.js';
import { findBaseModel } from './findBaseModel.js';
import { JobLane, oneSlice, type Slices } from './jobLane.js';
import { LoadedModel, type LoadOptions } from './loadedModel.js';
import { loadRuntime } from './loadRuntime.js';
import { loraLayout } from './loraLayout.js';
import { machineThreads } from './machineThreads.js';
import { MemoryGauge } from './memoryGauge.js';
import { PromptCache } from './promptCache.js';
import type { Runtime } from './runtime.js';
import { Sampler } from './sampler.js';
import { SliceQueue } from './sliceQueue.js';
import { tinyModel } from './tinyModel.js';
import { TrainableModel } from './trainableModel.js';

const mostThreads = 8;
/** Bytes of prompts that are kept where nothing is said, and their share of the free memory at most. */
const promptBytes = 2 ** 28;
const shareOfPrompts = 1 / 8;

/**
 * An engine that computes in this thread, which it blocks: for tests, simulation and the worker.
 *
 * @throws TinkerError `invalid_config` where the runtime that was asked for can't be loaded.
 */
export async function createInProcessEngine(options: EngineOptions = {}, log?: EngineLog): Promise<Engine> {
  const threads = options.threads ?? Math.min(machineThreads(), mostThreads);
  const runtime = await loadRuntime(options.runtime ?? 'auto', threads, options.device);
  const memory = new MemoryGauge(options.memoryLimit);
  const load: LoadOptions = {
    memory,
    ...(options.precision !== undefined && { precision: options.precision }),
    ...(log !== undefined && { log }),
  };
  const prompts = new PromptCache(
    () => options.promptCacheBytes ?? Math.min(promptBytes, memory.free() * shareOfPrompts),
  );
  return new InProcessEngine(
    runtime,
    options.baseModels ?? [tinyModel()],
    options.deterministic !== true,
    load,
    prompts,
  );
}

interface Training {
  readonly model: TrainableModel;
  readonly lane: JobLane;
}

class InProcessEngine implements Engine {
  readonly baseModels: readonly BaseModelInfo[];
  readonly runtime: string;
  readonly #queue = new SliceQueue();
  readonly #loaded = new Map<string, LoadedModel>();
  readonly #models = new Map<string, Training>();
  readonly #samplers = new Map<string, Sampler>();

  constructor(
    private readonly backend: Runtime,
    private readonly sources: readonly BaseModel[],
    private readonly together: boolean,
    private readonly loadOptions: LoadOptions,
    private readonly prompts: PromptCache,
  ) {
    this.baseModels = sources.map(describeBaseModel);
    this.runtime = backend.description;
  }

  async createModel(modelId: string, baseModel: string, lora: LoraShape): Promise<void> {
    checkLora(lora);
    refuseTaken(this.#models, 'model', modelId);
    this.#models.set(modelId, { model: new TrainableModel(this.#load(baseModel), lora), lane: new JobLane() });
    return Promise.resolve();
  }

  checkForwardBackward(baseModel: string, job: ForwardBackwardJob): void {
    checkForwardBackward(findBaseModel(this.baseModels, baseModel), job);
  }

  checkSample(baseModel: string, job: SampleJob): void {
    checkSample(findBaseModel(this.baseModels, baseModel), job);
  }

  async forwardBackward(modelId: string, job: ForwardBackwardJob): Promise<ForwardBackwardResult> {
    return this.#train(modelId, (model) => model.forwardBackward(job));
  }

  async optimStep(
    modelId: string,
    parameters: AdamWParameters,
  ): Promise<{ metrics: Readonly<Record<string, number>> }> {
    checkAdamW(parameters);
    return this.#train(modelId, (model) => oneSlice(() => ({ metrics: model.optimStep(parameters) })));
  }

  async saveState(modelId: string, options: { readonly optimizer: boolean }): Promise<AdapterState> {
    return this.#train(modelId, (model) => oneSlice(() => model.saveState(options)));
  }

  async loadState(modelId: string, state: AdapterState): Promise<void> {
    return this.#train(modelId, (model) =>
      oneSlice(() => {
        model.loadState(state);
      }),
    );
  }

  async unloadModel(modelId: string): Promise<void> {
    const done = this.#train(modelId, () => oneSlice(() => undefined));
    this.#models.delete(modelId);
    await done;
  }

  async createSampler(samplerId: string, { baseModel, lora, adapter }: SamplerWeights): Promise<void> {
    refuseTaken(this.#samplers, 'sampler', samplerId);
    const base = this.#load(baseModel);
    if ((lora === undefined) !== (adapter === undefined))
      throw new TinkerError('bad_request', 'Expected an adapter with its LoRA shape, or neither, got one of them.');
    if (lora !== undefined) checkLora(lora);
    const layout = lora === undefined ? undefined : loraLayout(base.model.config, lora);
    const drawsWith =
      layout === undefined || adapter === undefined ? undefined : { layout, weights: readAdapter(layout, adapter) };
    this.#samplers.set(samplerId, new Sampler(base, drawsWith, this.together, this.prompts));
    return Promise.resolve();
  }

  async removeSampler(samplerId: string): Promise<void> {
    this.prompts.drop(find(this.#samplers, 'sampler', samplerId));
    this.#samplers.delete(samplerId);
    return Promise.resolve();
  }

  async sample(samplerId: string, job: SampleJob): Promise<SampleResult> {
    const sampler = find(this.#samplers, 'sampler', samplerId);
    const result = sampler.sample(job);
    this.#queue.wake(sampler);
    return result;
  }

  async close(): Promise<void> {
    this.#models.clear();
    this.#samplers.clear();
    this.#loaded.clear();
    return Promise.resolve();
  }

  #train<Result>(modelId: string, job: (model: TrainableModel) => Slices<Result>): Promise<Result> {
    const { model, lane } = find(this.#models, 'model', modelId);
    const result = lane.add(job(model));
    this.#queue.wake(lane);
    return result;
  }

  #load(name: string): LoadedModel {
    const known = this.#loaded.get(name);
    if (known !== undefined) return known;
    const loaded = new LoadedModel(findBaseModel(this.sources, name), this.backend, this.loadOptions);
    this.#loaded.set(name, loaded);
    return loaded;
  }
}

function find<Value>(values: ReadonlyMap<string, Value>, kind: string, id: string): Value {
  const value = values.get(id);
  if (value === undefined)
    throw new TinkerError('not_found', `Expected a ${kind} that is loaded, got ${describe(id)}.`);
  return value;
}

function refuseTaken(values: ReadonlyMap<string, unknown>, kind: string, id: string): void {
  if (values.has(id)) throw new TinkerError('conflict', `Expected a new ${kind}, got ${describe(id)}, which exists.`);
}
