import { WIRE_TYPE } from './wireReader.js';

const encoder = new TextEncoder();

/**
 * Writes a protobuf message from its end to its start: how long a nested message is, which stands before it, is known by
 * the time that it is written. So fields are written last to first, in one run over the data.
 *
 * Arrays go from the caller's memory to their place in one copy; typed arrays are little-endian, as the format is, on
 * every platform that runs JavaScript engines today. Field numbers are below 16.
 */
export class MessageWriter {
  private target: Uint8Array<ArrayBuffer>;
  private view: DataView;
  /** Where in `target` the message begins so far. */
  private start: number;

  /** @param capacity bytes; the memory grows where the message takes more */
  constructor(capacity: number) {
    this.target = new Uint8Array(capacity);
    this.view = new DataView(this.target.buffer);
    this.start = capacity;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.target.length - this.start;
  }

  /** The message; nothing may be written after. */
  bytesWritten(): Uint8Array<ArrayBuffer> {
    return this.target.subarray(this.start);
  }

  /** A non-negative integer below 2⁵³: int32, int64, uint32, uint64, bool or enum. */
  integer(field: number, value: number): void {
    this.varint(value);
    this.varint((field << 3) | WIRE_TYPE.varint);
  }

  double(field: number, value: number): void {
    const at = this.before(8);
    this.view.setFloat64(at, value, true);
    this.varint((field << 3) | WIRE_TYPE.fixed64);
  }

  text(field: number, value: string): void {
    const end = this.length;
    if (!this.ascii(value)) this.copy(encoder.encode(value));
    this.nest(field, end);
  }

  /** The memory of an array as it is. */
  bytes(field: number, data: ArrayBufferView): void {
    const end = this.length;
    this.copy(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.nest(field, end);
  }

  /** 32-bit integers, each as the two words of an int64. */
  widened(field: number, data: Int32Array): void {
    const end = this.length;
    const at = this.before(8 * data.length);
    writeWidened(this.view, at, data);
    this.nest(field, end);
  }

  /** Non-negative integers below 2⁵³ as a packed field. */
  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    const end = this.length;
    for (let index = values.length - 1; index >= 0; index--) this.varint(values[index] ?? 0);
    this.nest(field, end);
  }

  /** Makes what was written since the message had `length` bytes a nested message, or the value of another such field. */
  nest(field: number, length: number): void {
    this.varint(this.length - length);
    this.varint((field << 3) | WIRE_TYPE.lengthDelimited);
  }

  private copy(bytes: Uint8Array): void {
    const at = this.before(bytes.length);
    this.target.set(bytes, at);
  }

  /** Text of one byte a character, as names are; false for another, of which nothing is written. */
  private ascii(text: string): boolean {
    const at = this.before(text.length);
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.start += text.length;
        return false;
      }
      this.target[at + index] = code;
    }
    return true;
  }

  private varint(value: number): void {
    let size = 1;
    for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size += 1;
    let at = this.before(size);
    let rest = value;
    while (rest > 0x7f) {
      this.target[at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.target[at] = rest;
  }

  /** Moves the start by so many bytes that are to be written, and says where it is then. */
  private before(size: number): number {
    if (size > this.start) this.grow(size);
    this.start -= size;
    return this.start;
  }

  private grow(size: number): void {
    const written = this.target.subarray(this.start);
    const capacity = 2 * this.target.length + size;
    this.target = new Uint8Array(capacity);
    this.view = new DataView(this.target.buffer);
    this.start = capacity - written.length;
    this.target.set(written, this.start);
  }
}

function writeWidened(view: DataView, start: number, data: Int32Array): void {
  let at = start;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- an iterator takes three times as long
  for (let index = 0; index < data.length; index++) {
    const value = data[index] ?? 0;
    view.setInt32(at, value, true);
    view.setInt32(at + 4, value >> 31, true);
    at += 8;
  }
}
