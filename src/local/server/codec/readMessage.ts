import { TinkerError } from '../../../errors.js';
import { WIRE_TYPE, WireReader } from '../../../wire/proto/wireReader.js';
import { refusal } from '../refusal.js';

/** How one field of a message is read. */
export interface FieldReader {
  readonly wireTypes: readonly number[];
  read(reader: WireReader, wireType: number): void;
}

/**
 * Reads a protobuf message field by field, so that nothing is built that was not asked for; other fields are skipped.
 *
 * @throws TinkerError with status 400 for bytes that are no such message, and what the readers throw.
 */
export function readMessage(bytes: Uint8Array, where: string, fields: Readonly<Record<number, FieldReader>>): void {
  const reader = new WireReader(bytes);
  try {
    while (!reader.atEnd) {
      const { field: number, wireType } = reader.tag();
      const field = fields[number];
      if (field === undefined) reader.skip(wireType);
      else if (field.wireTypes.includes(wireType)) field.read(reader, wireType);
      else throw new TypeError(`field ${number} has wire type ${wireType}`);
    }
  } catch (cause) {
    if (cause instanceof TinkerError) throw cause;
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw refusal(400, `${where}: Expected a protobuf message of the protocol: ${problem}.`);
  }
}

/** A nested message or an array, as a view of its bytes. */
export function bytesField(take: (bytes: Uint8Array) => void): FieldReader {
  return { wireTypes: [WIRE_TYPE.lengthDelimited], read: (reader) => take(reader.bytes()) };
}

export function textField(take: (text: string) => void): FieldReader {
  return { wireTypes: [WIRE_TYPE.lengthDelimited], read: (reader) => take(reader.text()) };
}

/** An int32, int64, bool or enum. */
export function integerField(take: (value: number) => void): FieldReader {
  return { wireTypes: [WIRE_TYPE.varint], read: (reader) => take(reader.integer()) };
}

export function doubleField(take: (value: number) => void): FieldReader {
  return { wireTypes: [WIRE_TYPE.fixed64], read: (reader) => take(reader.double()) };
}

/** Repeated integers, packed or one by one. */
export function integersField(take: (value: number) => void): FieldReader {
  return {
    wireTypes: [WIRE_TYPE.lengthDelimited, WIRE_TYPE.varint],
    read: (reader, wireType) => {
      if (wireType === WIRE_TYPE.varint) {
        take(reader.integer());
        return;
      }
      const values = new WireReader(reader.bytes());
      while (!values.atEnd) take(values.integer());
    },
  };
}
