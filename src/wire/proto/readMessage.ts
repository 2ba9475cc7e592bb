import { WIRE_TYPE, WireReader } from './wireReader.js';

/** How a field of a message is read into what is made of the message. */
export interface Field<Message> {
  /** The way its values are written; repeated numbers may be packed, too. */
  readonly wireType: number;
  readonly packable?: true;
  read(message: Message, reader: WireReader): void;
}

/** The fields of a message that are of use, by number. */
export type Fields<Message> = Readonly<Record<number, Field<Message>>>;

type Take<Message, Value> = (message: Message, value: Value) => void;

/**
 * Reads a protobuf message into `target`; fields that are not among `fields` are skipped.
 *
 * @throws Error for bytes that are no such message
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function readMessage<Message>(bytes: Uint8Array, target: Message, fields: Fields<Message>): Message {
  readFields(new WireReader(bytes), target, fields);
  return target;
}

function readFields<Message>(reader: WireReader, target: Message, fields: Fields<Message>): void {
  while (!reader.isAtEnd()) {
    const tag = reader.tag();
    const [number, wireType] = [tag >>> 3, tag & 7];
    const field = fields[number];
    if (field === undefined) {
      reader.skip(wireType);
    } else if (wireType === field.wireType) {
      field.read(target, reader);
    } else if (field.packable === true && wireType === WIRE_TYPE.lengthDelimited) {
      const end = reader.enter();
      while (!reader.isAtEnd()) field.read(target, reader);
      reader.leave(end);
    } else {
      throw new Error(`field ${number} has wire type ${wireType} instead of ${field.wireType}`);
    }
  }
}

/** A field that is written one way, and read by one method of a reader. */
function fieldOf<Value>(wireType: number, valueOf: (reader: WireReader) => Value) {
  return <Message>(take: Take<Message, Value>): Field<Message> => ({
    wireType,
    read(message, reader) {
      take(message, valueOf(reader));
    },
  });
}

/** A nested message, read into what `targetOf` gives: a new one, or what came of it before, as parts add up. */
export function messageField<Message, Nested>(
  targetOf: (message: Message) => Nested,
  fields: Fields<Nested>,
  take?: Take<Message, Nested>,
): Field<Message> {
  return {
    wireType: WIRE_TYPE.lengthDelimited,
    read(message, reader) {
      const nested = targetOf(message);
      const end = reader.enter();
      readFields(reader, nested, fields);
      reader.leave(end);
      take?.(message, nested);
    },
  };
}

/** An array, or a nested message that is read elsewhere, as a view. */
export const bytesField = fieldOf(WIRE_TYPE.lengthDelimited, (reader) => reader.bytes());

export const textField = fieldOf(WIRE_TYPE.lengthDelimited, (reader) => reader.text());

/** An int32, int64, uint32, bool or enum. */
export const integerField = fieldOf(WIRE_TYPE.varint, (reader) => reader.integer());

export const doubleField = fieldOf(WIRE_TYPE.fixed64, (reader) => reader.double());

/** Repeated integers, packed or one by one; `take` is called for each. */
export function integersField<Message>(take: Take<Message, number>): Field<Message> {
  return { ...integerField(take), packable: true };
}

/** What puts a value into the message's property of this name. */
export function into<Name extends string>(name: Name) {
  return <Value>(message: Partial<Record<Name, Value>>, value: Value): void => {
    message[name] = value;
  };
}

interface Entry<Value> {
  name: string;
  value: Value;
}

/** An entry of a map by names; a name or value that was not sent is empty. */
export function entryField<Message, Value>(
  empty: () => Value,
  valueField: (take: Take<Entry<Value>, Value>) => Field<Entry<Value>>,
  put: (message: Message, name: string, value: Value) => void,
): Field<Message> {
  const fields: Fields<Entry<Value>> = {
    1: textField(into('name')),
    2: valueField(into('value')),
  };
  const entry = (): Entry<Value> => ({ name: '', value: empty() });
  return messageField(entry, fields, (message, { name, value }) => {
    // Readers of JSON leave this name out too: no object should take its prototype from an answer.
    if (name !== '__proto__') put(message, name, value);
  });
}
