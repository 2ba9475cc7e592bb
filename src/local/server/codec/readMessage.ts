import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { TinkerError } from '../../../errors.js';
import { refusal } from '../refusal.js';

/** How one field of a message is read. */
export interface FieldReader {
  readonly wireTypes: readonly WireType[];
  read(reader: BinaryReader, wireType: WireType): void;
}

/**
 * Reads a protobuf message field by field, so that nothing is built that was not asked for; other fields are skipped.
 *
 * @throws TinkerError with status 400 for bytes that are no such message, and what the readers throw.
 */
export function readMessage(bytes: Uint8Array, where: string, fields: Readonly<Record<number, FieldReader>>): void {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const field = fields[number];
      if (field === undefined) reader.skip(wireType, number);
      else if (field.wireTypes.includes(wireType)) field.read(reader, wireType);
      else throw new TypeError(`field ${number} has wire type ${wireType}`);
      if (reader.pos > reader.len) throw new RangeError('premature end');
    }
  } catch (cause) {
    if (cause instanceof TinkerError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw refusal(400, `${where}: Expected a protobuf message of the protocol: ${problem}.`);
  }
}

/** A nested message or an array, as a view of its bytes. */
export function bytesField(take: (bytes: Uint8Array) => void): FieldReader {
  return { wireTypes: [WireType.LengthDelimited], read: (reader) => take(reader.bytes()) };
}

export function textField(take: (text: string) => void): FieldReader {
  return { wireTypes: [WireType.LengthDelimited], read: (reader) => take(reader.string(true)) };
}

/** An int32, int64, bool or enum. */
export function integerField(take: (value: number) => void): FieldReader {
  return { wireTypes: [WireType.Varint], read: (reader) => take(Number(reader.int64())) };
}

export function doubleField(take: (value: number) => void): FieldReader {
  return { wireTypes: [WireType.Bit64], read: (reader) => take(reader.double()) };
}

/** Repeated integers, packed or one by one. */
export function integersField(take: (value: number) => void): FieldReader {
  return {
    wireTypes: [WireType.LengthDelimited, WireType.Varint],
    read: (reader, wireType) => {
      const end = wireType === WireType.Varint ? reader.pos + 1 : reader.uint32() + reader.pos;
      if (end > reader.len) throw new RangeError('premature end');
      while (reader.pos < end) take(Number(reader.int64()));
    },
  };
}
