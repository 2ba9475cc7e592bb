import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { nextName } from './onnx/carriedCaches.js';
import type { KeptCaches } from './runtime.js';

/** The caches that runs of one program left on a device, by keeper. */
export class CarriedTensors implements KeptCaches {
  readonly #left = new WeakMap<object, Readonly<Record<string, Tensor>>>();

  /** @param names - Inputs that are carried on. */
  constructor(private readonly names: readonly string[]) {}

  has(keeper: object): boolean {
    return this.#left.has(keeper);
  }

  /** What a keeper's last run left, by input. */
  of(keeper: object | undefined): Readonly<Record<string, Tensor>> | undefined {
    return keeper === undefined ? undefined : this.#left.get(keeper);
  }

  drop(keeper: object): void {
    const left = this.#left.get(keeper) ?? {};
    this.#left.delete(keeper);
    for (const tensor of Object.values(left)) tensor.dispose();
  }

  /** Takes the next caches out of a run's results, for the keeper if there is one; gives the rest. */
  take(results: InferenceSession.OnnxValueMapType, keeper: object | undefined): [string, Tensor][] {
    const next = new Map(this.names.map((name) => [nextName(name), name]));
    const caches: Record<string, Tensor> = {};
    const rest: [string, Tensor][] = [];
    for (const [output, tensor] of Object.entries(results)) {
      const name = next.get(output);
      if (name === undefined) rest.push([output, tensor]);
      else if (keeper === undefined) tensor.dispose();
      else caches[name] = tensor;
    }
    if (keeper !== undefined && next.size > 0) {
      this.drop(keeper);
      this.#left.set(keeper, caches);
    }
    return rest;
  }
}
