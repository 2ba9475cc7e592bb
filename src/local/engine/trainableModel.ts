import { describe, TinkerError } from '../../errors.js';
import { adamWStep, createAdamWState, type AdamWState } from './adamW.js';
import { expectTensor, readAdapter, writeAdapter } from './adapterFile.js';
import { checkForwardBackward } from './checkForwardBackward.js';
import { CustomPass } from './custom/customPass.js';
import type { AdamWParameters, AdapterState, ForwardBackwardJob, ForwardBackwardResult, LoraShape } from './engine.js';
import type { LoadedModel } from './loadedModel.js';
import { adapterTensors, initialAdapter, loraLayout, type LoraLayout } from './loraLayout.js';
import { describeBaseModel } from './baseModel.js';
import type { Tensors } from './runtime.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import { TrainingPass } from './trainingPass.js';

/** A LoRA adapter in training: its weights, the gradient since the last step, and its optimizer. */
export class TrainableModel {
  readonly #layout: LoraLayout;
  #adapter: Float32Array;
  #gradient: Float32Array;
  #optimizer: AdamWState;

  constructor(
    private readonly base: LoadedModel,
    private readonly lora: LoraShape,
  ) {
    this.#layout = loraLayout(base.model.config, lora);
    this.#adapter = initialAdapter(this.#layout, lora.seed);
    this.#gradient = new Float32Array(this.#layout.size);
    this.#optimizer = createAdamWState(this.#layout.size);
  }

  /** Runs a job micro-batch by micro-batch, yielding between them; the gradient counts once all have run. */
  async *forwardBackward(job: ForwardBackwardJob): AsyncGenerator<undefined, ForwardBackwardResult> {
    checkForwardBackward(describeBaseModel(this.base.model), job);
    const pass =
      job.customLoss === undefined
        ? new TrainingPass(this.base, this.lora, this.#layout, job)
        : new CustomPass(this.base, this.lora, this.#layout, job, job.customLoss);
    const adapter = adapterTensors(this.#layout, this.#adapter);
    const gradient = new Float32Array(job.backward ? this.#layout.size : 0);
    const outputs: Tensors[] = [];
    for (const batch of pass.plan()) {
      const results = await pass.run(batch, adapter, gradient);
      batch.indices.forEach((index, row) => {
        outputs[index] = results[row] ?? {};
      });
      yield;
    }
    for (let i = 0; i < gradient.length; i++) this.#gradient[i] = (this.#gradient[i] ?? 0) + (gradient[i] ?? 0);
    return { outputs, metrics: pass.metrics() };
  }

  /** One step of AdamW with the gradient since the last, which is cleared. */
  optimStep(parameters: AdamWParameters): Readonly<Record<string, number>> {
    const norm = adamWStep(this.#adapter, this.#gradient, this.#optimizer, parameters);
    this.#gradient.fill(0);
    return { 'grad_norm:mean': norm, 'learning_rate:mean': parameters.learning_rate };
  }

  /** The adapter, and the optimizer's moments and step count if asked for, as files. */
  saveState(options: { readonly optimizer: boolean }): AdapterState {
    const adapter = writeAdapter(this.#layout, this.#adapter);
    if (!options.optimizer) return { adapter };
    const { m, v, step } = this.#optimizer;
    const shape = [this.#layout.size];
    const tensors = { exp_avg: { data: m, shape }, exp_avg_sq: { data: v, shape } };
    return { adapter, optimizer: writeSafetensors({ tensors, metadata: { step: String(step) } }) };
  }

  /** Replaces weights and optimizer (without one: a fresh one) and clears the gradient. */
  loadState(state: AdapterState): void {
    const adapter = readAdapter(this.#layout, state.adapter);
    const optimizer =
      state.optimizer === undefined
        ? createAdamWState(this.#layout.size)
        : readOptimizer(this.#layout.size, state.optimizer);
    this.#adapter = adapter;
    this.#optimizer = optimizer;
    this.#gradient.fill(0);
  }
}

function readOptimizer(size: number, bytes: Uint8Array): AdamWState {
  const { tensors, metadata } = readSafetensors(bytes);
  const m = expectTensor(tensors, 'exp_avg', [size]);
  const v = expectTensor(tensors, 'exp_avg_sq', [size]);
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0)
    throw new TinkerError(
      'bad_request',
      `Expected a step count in the optimizer's metadata, got ${describe(metadata.step)}.`,
    );
  return { m, v, step };
}
