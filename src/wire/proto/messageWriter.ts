import type { TensorDtype } from '../tensorData.js';
import { WIRE_TYPE } from './wireReader.js';

const encoder = new TextEncoder();

/**
 * Writes a protobuf message from its end to its start: how long a nested message is, which stands before it, is known by
 * the time that it is written. So fields are written last to first, in one run over the data.
 *
 * Arrays go from the caller's memory to their place in one copy; typed arrays are little-endian, as the format is, on
 * every platform that runs JavaScript engines today. Field numbers are below 16, so that a tag is one byte.
 */
export class MessageWriter {
  private view: DataView;
  /** Where in the memory the message begins so far. */
  private start: number;
  /** The same names come with each datum. */
  private readonly texts = new Map<string, Uint8Array>();

  /** @param memory what the message goes to; where it takes more, there will be other */
  constructor(private memory: Uint8Array<ArrayBuffer>) {
    this.view = new DataView(memory.buffer, memory.byteOffset, memory.length);
    this.start = memory.length;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.memory.length - this.start;
  }

  /** The message; nothing may be written after. */
  bytesWritten(): Uint8Array<ArrayBuffer> {
    return this.memory.subarray(this.start);
  }

  /** A non-negative integer below 2⁵³: int32, int64, uint32, uint64, bool or enum. */
  integer(field: number, value: number): void {
    this.varint(value);
    this.tag(field, WIRE_TYPE.varint);
  }

  double(field: number, value: number): void {
    const at = this.before(8);
    this.view.setFloat64(at, value, true);
    this.tag(field, WIRE_TYPE.fixed64);
  }

  text(field: number, value: string): void {
    let bytes = this.texts.get(value);
    if (bytes === undefined) {
      bytes = encoder.encode(value);
      this.texts.set(value, bytes);
    }
    this.copy(field, bytes);
  }

  /** The memory of an array as it is. */
  bytes(field: number, data: ArrayBufferView): void {
    this.copy(field, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** 32-bit integers, each as the two words of an int64. */
  widened(field: number, data: Int32Array): void {
    const end = this.length;
    const at = this.before(8 * data.length);
    writeWidened(this.view, at, data);
    this.nest(field, end);
  }

  /** So many numbers of an array: as float32, or 32-bit integers as int64. */
  numbers(field: number, values: readonly number[], count: number, dtype: TensorDtype): void {
    const end = this.length;
    const at = this.before((dtype === 'float32' ? 4 : 8) * count);
    if (dtype === 'float32') writeFloats(this.view, at, values, count);
    else writeIntegers(this.view, at, values, count);
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
    this.tag(field, WIRE_TYPE.lengthDelimited);
  }

  private copy(field: number, bytes: Uint8Array): void {
    const at = this.before(bytes.length);
    this.memory.set(bytes, at);
    this.varint(bytes.length);
    this.tag(field, WIRE_TYPE.lengthDelimited);
  }

  private tag(field: number, wireType: number): void {
    const at = this.before(1);
    this.memory[at] = (field << 3) | wireType;
  }

  private varint(value: number): void {
    if (value > 0x7fffffff) {
      this.longVarint(value);
      return;
    }
    let size = 1;
    for (let rest = value >> 7; rest > 0; rest >>= 7) size += 1;
    let at = this.before(size);
    let rest = value;
    for (; rest > 0x7f; rest >>= 7) this.memory[at++] = rest | 0x80;
    this.memory[at] = rest;
  }

  /** Of what no bitwise operations take: the upper bits, and before them four groups of seven. */
  private longVarint(value: number): void {
    this.varint(Math.floor(value / 2 ** 28));
    const at = this.before(4);
    const lower = value % 2 ** 28;
    for (let group = 0; group < 4; group++) this.memory[at + group] = (lower >> (7 * group)) | 0x80;
  }

  /** Moves the start by so many bytes that are to be written, and says where it is then. */
  private before(size: number): number {
    if (size > this.start) this.grow(size);
    this.start -= size;
    return this.start;
  }

  private grow(size: number): void {
    const written = this.bytesWritten();
    const capacity = 2 * this.memory.length + size;
    this.memory = new Uint8Array(capacity);
    this.view = new DataView(this.memory.buffer);
    this.start = capacity - written.length;
    this.memory.set(written, this.start);
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

/** The same, apart from it so that each is compiled for one kind of array. */
function writeIntegers(view: DataView, start: number, values: readonly number[], count: number): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    const value = values[index] ?? 0;
    view.setInt32(at, value, true);
    view.setInt32(at + 4, value >> 31, true);
    at += 8;
  }
}

function writeFloats(view: DataView, start: number, values: readonly number[], count: number): void {
  let at = start;
  for (let index = 0; index < count; index++) {
    view.setFloat32(at, values[index] ?? 0, true);
    at += 4;
  }
}
