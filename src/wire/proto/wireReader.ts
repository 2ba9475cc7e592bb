/** How a value is written in a protobuf message. */
export const WIRE_TYPE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the values of a protobuf message one after another; bytes are views of the message. */
export class WireReader {
  private position = 0;
  /** Where the message ends that is read, the whole or a nested one. */
  private end: number;

  constructor(private readonly source: Uint8Array) {
    this.end = source.length;
  }

  isAtEnd(): boolean {
    return this.position >= this.end;
  }

  /** Goes into the message that is the next value; gives what {@link leave} wants. */
  enter(): number {
    const { end } = this;
    const length = this.integer();
    this.end = this.position + this.fitting(length);
    return end;
  }

  /** Comes back from a message that was read. */
  leave(end: number): void {
    this.end = end;
  }

  /** The number of the next field times eight, and how its value is written. */
  tag(): number {
    const start = this.position;
    const tag = this.integer();
    if (tag < 8 || tag > 0xffffffff || this.position - start > 5) throw new Error(`${tag} is no tag of a field`);
    return tag;
  }

  /** A varint: an int32, int64, uint32, uint64, bool or enum; safe integers only. */
  integer(): number {
    const first = this.source[this.position] ?? 0x80;
    // Most are one byte.
    if (first >= 0x80 || this.position >= this.end) return this.longInteger();
    this.position += 1;
    return first;
  }

  double(): number {
    const { buffer, byteOffset } = this.next(8);
    return new DataView(buffer, byteOffset).getFloat64(0, true);
  }

  /** Anything with its length before it, as a view. */
  bytes(): Uint8Array {
    return this.next(this.integer());
  }

  text(): string {
    return decoder.decode(this.bytes());
  }

  /** Passes over a value. Groups, which the protocol does not have, are refused. */
  skip(wireType: number): void {
    switch (wireType) {
      case WIRE_TYPE.varint:
        for (let count = 1; this.byte() >= 0x80; count++) {
          if (count === 10) throw new Error('a varint has more than ten bytes');
        }
        return;
      case WIRE_TYPE.fixed64:
        this.next(8);
        return;
      case WIRE_TYPE.lengthDelimited:
        this.bytes();
        return;
      case WIRE_TYPE.fixed32:
        this.next(4);
        return;
      default:
        throw new Error(`wire type ${wireType} can't be read`);
    }
  }

  private longInteger(): number {
    let value = 0;
    // Seven bytes hold 49 bits, which a number can add up.
    for (let scale = 1; scale < 2 ** 49; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    let upper = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.byte();
      upper |= (byte & 0x7f) << shift;
      if (byte < 0x80) return safeInteger(upper, value);
    }
    throw new Error('a varint has more than ten bytes');
  }

  private byte(): number {
    const byte = this.position < this.end ? this.source[this.position++] : undefined;
    if (byte === undefined) throw new Error('it ends within a varint');
    return byte;
  }

  private next(length: number): Uint8Array {
    const start = this.source.byteOffset + this.position;
    this.position += this.fitting(length);
    // A Buffer's views take longer to make.
    return new Uint8Array(this.source.buffer, start, length);
  }

  private fitting(length: number): number {
    const left = this.end - this.position;
    if (length < 0 || length > left) throw new Error(`it ends within a value: ${length} bytes expected, ${left} left`);
    return length;
  }
}

/** An int64 of its upper 15 bits, the sign among them, and its lower 49. */
function safeInteger(upper: number, lower: number): number {
  const value = ((upper << 17) >> 17) * 2 ** 49 + lower;
  if (!Number.isSafeInteger(value)) throw new Error('an integer is larger than 2⁵³');
  return value;
}
