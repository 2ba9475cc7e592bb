import { WIRE_TYPE } from './wireReader.js';

const encoder = new TextEncoder();

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
    if (this.view !== undefined) writeWidened(this.view, this.position, data);
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

/** The memory is zero at first, so that only negative integers need their upper word written. */
function writeWidened(view: DataView, start: number, data: Int32Array): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    view.setInt32(start + 8 * i, value, true);
    if (value < 0) view.setInt32(start + 8 * i + 4, -1, true);
  }
}
