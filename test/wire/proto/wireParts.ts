import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';

/** Bytes of a field, or of fields one after another. */
export type Parts = fc.Arbitrary<Uint8Array>;

const written = (write: (writer: BinaryWriter) => BinaryWriter): Uint8Array => write(new BinaryWriter()).finish();
const number32 = fc.integer();
const number64 = fc.maxSafeInteger();
const content = fc.uint8Array({ maxLength: 12 });

export const integer32 = (no: number): Parts =>
  number32.map((value) => written((writer) => writer.tag(no, WireType.Varint).int32(value)));

export const integer64 = (no: number): Parts =>
  number64.map((value) => written((writer) => writer.tag(no, WireType.Varint).int64(value)));

export const double = (no: number): Parts =>
  fc.double().map((value) => written((writer) => writer.tag(no, WireType.Bit64).double(value)));

export const bytes = (no: number, parts: Parts = content): Parts =>
  parts.map((value) => written((writer) => writer.tag(no, WireType.LengthDelimited).bytes(value)));

/** An array that is not empty. */
export const someBytes = (no: number): Parts => bytes(no, fc.uint8Array({ minLength: 1, maxLength: 12 }));

export const text = (no: number): Parts =>
  fc
    .string({ unit: 'grapheme', maxLength: 5 })
    .filter((value) => value !== '__proto__')
    .map((value) => written((writer) => writer.tag(no, WireType.LengthDelimited).string(value)));

/** Repeated integers, packed or not. */
export const integers = (no: number): Parts =>
  fc.oneof(
    integer64(no),
    fc.array(number64, { maxLength: 4 }).map((values) =>
      written((writer) => {
        writer.tag(no, WireType.LengthDelimited).fork();
        for (const value of values) writer.int64(value);
        return writer.join();
      }),
    ),
  );

/** Fields that a later version of the protocol may have. */
const unknown: Parts = fc.integer({ min: 16, max: 2 ** 29 - 1 }).chain((no) =>
  fc.oneof(
    integer64(no),
    double(no),
    bytes(no),
    number32.map((value) => written((writer) => writer.tag(no, WireType.Bit32).sfixed32(value))),
  ),
);

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** A message of these fields in any order and number: a later value goes before, messages add up. */
export const message = (...fields: Parts[]): Parts =>
  fc.array(fc.oneof(...fields, unknown), { maxLength: 8 }).map(joined);

/** An entry of a map. */
export const entry = (no: number, value: Parts): Parts =>
  bytes(
    no,
    fc
      .tuple(fc.subarray([0, 1]), text(1), value)
      .map(([kept, ...both]) => joined(kept.map((i) => both[i] ?? new Uint8Array()))),
  );
