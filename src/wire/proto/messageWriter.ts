import { WIRE_TYPE } from './wireReader.js';

const encoder = new TextEncoder();
/** Integers that are widened at a time. */
const BLOCK = 1024;
const words = new Int32Array(2 * BLOCK);
const wordBytes = new Uint8Array(words.buffer);

/**
 * Writes a protobuf message into one buffer: the same function runs twice, first to measure, then to write in place.
 *
 * Arrays go from the caller's memory to their place in one copy; typed arrays are little-endian, as the format is, on
 * every platform that runs JavaScript engines today. Field numbers are below 16.
 */
export class MessageWriter {
  private position = 0;
  private nextSize = 0;
  private readonly view: DataView | undefined;

  private constructor(
    private readonly target: Uint8Array | undefined,
    /** Sizes of the nested messages in the order in which they begin. */
    private readonly sizes: number[],
    private readonly texts: Map<string, Uint8Array>,
  ) {
    this.view = target === undefined ? undefined : new DataView(target.buffer);
  }

  /** The bytes of the message that `write` describes; it must do the same in both runs. */
  static build(write: (message: MessageWriter) => void): Uint8Array<ArrayBuffer> {
    const measured = new MessageWriter(undefined, [], new Map());
    write(measured);
    const target = new Uint8Array(measured.position);
    write(new MessageWriter(target, measured.sizes, measured.texts));
    return target;
  }

  /** A non-negative integer below 2⁵³: int32, int64, uint32, uint64, bool or enum. */
  integer(field: number, value: number): void {
    this.varint((field << 3) | WIRE_TYPE.varint);
    this.varint(value);
  }

  double(field: number, value: number): void {
    this.varint((field << 3) | WIRE_TYPE.fixed64);
    this.view?.setFloat64(this.position, value, true);
    this.position += 8;
  }

  text(field: number, value: string): void {
    let bytes = this.texts.get(value);
    if (bytes === undefined) {
      bytes = encoder.encode(value);
      this.texts.set(value, bytes);
    }
    this.bytes(field, bytes);
  }

  /** The memory of an array as it is. */
  bytes(field: number, data: ArrayBufferView): void {
    this.header(field, data.byteLength);
    this.target?.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.position);
    this.position += data.byteLength;
  }

  /** 32-bit integers, each as the two words of an int64. */
  widened(field: number, data: Int32Array): void {
    this.header(field, 8 * data.length);
    if (this.target !== undefined) writeWidened(this.target, this.position, data);
    this.position += 8 * data.length;
  }

  /** Non-negative integers below 2⁵³ as a packed field. */
  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.message(field, () => {
      for (const value of values) this.varint(value);
    });
  }

  /** A nested message, or anything else whose length comes before it. */
  message(field: number, write: () => void): void {
    if (this.target !== undefined) {
      this.header(field, this.sizes[this.nextSize++] ?? 0);
      write();
      return;
    }
    const index = this.sizes.push(0) - 1;
    const start = this.position;
    write();
    const size = this.position - start;
    this.sizes[index] = size;
    this.header(field, size);
  }

  private header(field: number, length: number): void {
    this.varint((field << 3) | WIRE_TYPE.lengthDelimited);
    this.varint(length);
  }

  private varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  private byte(value: number): void {
    if (this.target !== undefined) this.target[this.position] = value;
    this.position += 1;
  }
}

/** Words are written where they are aligned, then moved in blocks that stay in the cache. */
function writeWidened(target: Uint8Array, start: number, data: Int32Array): void {
  for (let from = 0; from < data.length; from += BLOCK) {
    const block = data.length <= BLOCK ? data : data.subarray(from, from + BLOCK);
    widenBlock(block);
    target.set(block.length === BLOCK ? wordBytes : wordBytes.subarray(0, 8 * block.length), start + 8 * from);
  }
}

function widenBlock(block: Int32Array): void {
  const { length } = block;
  for (let i = 0; i < length; i++) {
    const value = block[i] ?? 0;
    words[2 * i] = value;
    words[2 * i + 1] = value >> 31;
  }
}
