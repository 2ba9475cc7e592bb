import type { DecoderConfig } from './decoderConfig.js';
import { cacheNames } from './model.js';
import type { Tensors } from './runtime.js';

/** Slots are added so many at a time. */
const slotStep = 32;

/** Bytes that the keys and values of a sequence take. */
export function keyValueBytes({ layers, kvHeads, headDim }: DecoderConfig, tokens: number): number {
  return 4 * 2 * layers * kvHeads * headDim * Math.ceil(tokens / slotStep) * slotStep;
}

/**
 * Keys and values of sequences that are being continued, one row a sequence: per layer a buffer [rows, kvHeads, slots,
 * headDim], of which a row uses the first `lengths[row]` slots.
 */
export class KeyValueCache {
  /** Tokens held for each row. */
  readonly lengths: number[] = [];
  #slots = slotStep;
  #capacity = 0;
  /** Whether a row came, went or moved since a pass was last given the buffers. */
  #changed = true;
  /** Keys of layer 0, values of layer 0, keys of layer 1, …. */
  #buffers: Float32Array[];

  constructor(private readonly config: DecoderConfig) {
    this.#buffers = Array.from({ length: 2 * config.layers }, () => new Float32Array(0));
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#buffers.reduce((total, buffer) => total + buffer.byteLength, 0);
  }

  /** Adds an empty row. */
  addRow(): void {
    this.#reserve(this.lengths.length + 1, 0);
    this.lengths.push(0);
    this.#changed = true;
  }

  /** Adds a copy of the first tokens of another cache's row; of all if `length` is missing. */
  addCopy(from: KeyValueCache, row: number, length = from.lengths[row] ?? 0): void {
    const target = this.lengths.length;
    this.#reserve(target + 1, length);
    this.#buffers.forEach((buffer, part) => {
      copyRow(from.#part(part), row, from.#slots, buffer, target, this.#slots, this.config, length);
    });
    this.lengths.push(length);
    this.#changed = true;
  }

  /** Removes a row by moving the last one to its place. */
  removeRow(row: number): void {
    const last = this.lengths.length - 1;
    const size = this.#rowSize();
    for (const buffer of this.#buffers) buffer.copyWithin(row * size, last * size, (last + 1) * size);
    this.lengths[row] = this.lengths[last] ?? 0;
    this.lengths.pop();
    this.#changed = true;
  }

  /**
   * The graph's inputs for a pass that adds `added` tokens to each row; without the buffers where `kept`, that the pass
   * has them since the last, is still of use.
   */
  inputs(added: number, kept = false): Tensors {
    const rows = this.lengths.length;
    this.#reserve(rows, Math.max(...this.lengths) + added);
    const { kvHeads, headDim, layers } = this.config;
    const shape = [rows, kvHeads, this.#slots, headDim];
    const used = rows * this.#rowSize();
    const ends = Int32Array.from(this.lengths, (length) => length + added - 1);
    const feeds: Record<string, Tensors[string]> = { ends: { data: ends, shape: [rows] } };
    if (kept && !this.#changed) return feeds;
    this.#changed = false;
    for (let layer = 0; layer < layers; layer++) {
      const names = cacheNames(layer);
      feeds[names.pastKey] = { data: this.#part(2 * layer).subarray(0, used), shape };
      feeds[names.pastValue] = { data: this.#part(2 * layer + 1).subarray(0, used), shape };
    }
    return feeds;
  }

  /** Takes over the keys and values that the pass computed. */
  append(results: Tensors, added: number): void {
    const { kvHeads, headDim, layers } = this.config;
    const store = (part: number, name: string): void => {
      const fresh = results[name]?.data;
      if (!(fresh instanceof Float32Array)) throw new RangeError(`The pass gave no ${name}.`);
      const buffer = this.#part(part);
      this.lengths.forEach((length, row) => {
        for (let i = 0; i < added; i++)
          for (let head = 0; head < kvHeads; head++) {
            const source = ((row * added + i) * kvHeads + head) * headDim;
            const target = ((row * kvHeads + head) * this.#slots + length + i) * headDim;
            for (let k = 0; k < headDim; k++) buffer[target + k] = fresh[source + k] ?? 0;
          }
      });
    };
    for (let layer = 0; layer < layers; layer++) {
      store(2 * layer, cacheNames(layer).key);
      store(2 * layer + 1, cacheNames(layer).value);
    }
    this.lengths.forEach((length, row) => (this.lengths[row] = length + added));
  }

  #part(part: number): Float32Array {
    return this.#buffers[part] ?? new Float32Array(0);
  }

  #rowSize(): number {
    return this.config.kvHeads * this.#slots * this.config.headDim;
  }

  /** Makes room for so many rows and slots, keeping what is there. */
  #reserve(rows: number, slots: number): void {
    if (rows <= this.#capacity && slots <= this.#slots) return;
    this.#changed = true;
    const before = this.#slots;
    this.#slots = Math.max(before, Math.ceil(slots / slotStep) * slotStep);
    if (rows > this.#capacity) this.#capacity = Math.max(rows, 2 * this.#capacity);
    this.#buffers = this.#buffers.map((old) => {
      const buffer = new Float32Array(this.#capacity * this.#rowSize());
      this.lengths.forEach((length, row) => {
        copyRow(old, row, before, buffer, row, this.#slots, this.config, length);
      });
      return buffer;
    });
  }
}

function copyRow(
  from: Float32Array,
  fromRow: number,
  fromSlots: number,
  to: Float32Array,
  toRow: number,
  toSlots: number,
  { kvHeads, headDim }: DecoderConfig,
  length: number,
): void {
  for (let head = 0; head < kvHeads; head++) {
    const source = (fromRow * kvHeads + head) * fromSlots * headDim;
    to.set(from.subarray(source, source + length * headDim), (toRow * kvHeads + head) * toSlots * headDim);
  }
}
