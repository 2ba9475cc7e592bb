import { TinkerError } from '../../errors.js';
import type { EngineTensor } from './engine.js';
import { storedNumbers, type StoredType } from './storedNumbers.js';

/** Tensors by name with the file's metadata. */
export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, EngineTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const metadataKey = '__metadata__';

/** A tensor to write: 16-bit numbers are float16's bits. */
export interface WritableTensor {
  readonly data: Float32Array | Int32Array | Uint16Array;
  readonly shape: readonly number[];
}

/**
 * Writes float32, int32 and float16 tensors in the safetensors format
 * (https://github.com/huggingface/safetensors#format): 8 bytes of header length, a JSON header, the data.
 */
export function writeSafetensors(content: {
  readonly tensors: Readonly<Record<string, WritableTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { [metadataKey]: content.metadata };
  let end = 0;
  for (const [name, tensor] of Object.entries(content.tensors)) {
    const begin = end;
    end += tensor.data.byteLength;
    header[name] = { dtype: storedType(tensor.data), shape: tensor.shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8, 8 + headerLength);
  bytes.set(json, 8);
  let offset = 8 + headerLength;
  for (const { data } of Object.values(content.tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function storedType(data: WritableTensor['data']): StoredType {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Uint16Array ? 'F16' : 'I32';
}

/** Where a tensor lies in the data of a file, which follows its header. */
export interface SafetensorsEntry {
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Offset of the data in the file, in bytes. */
  readonly dataStart: number;
}

/**
 * Reads a safetensors file of float32, float16, bfloat16 (all as float32) and int32 tensors. The tensors are copies.
 *
 * @throws TinkerError `bad_request` where the bytes are not such a file.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsContent {
  // Not slice: that of Node's Buffer is a view.
  const read = (offset: number, length: number): Uint8Array<ArrayBuffer> =>
    new Uint8Array(bytes.subarray(offset, offset + length));
  const { entries, metadata, dataStart } = readSafetensorsHeader(read, bytes.length);
  const tensors: Record<string, EngineTensor> = {};
  for (const [name, entry] of entries)
    tensors[name] = decodeTensor(entry, read(dataStart + entry.begin, entry.end - entry.begin));
  return { tensors, metadata };
}

/**
 * Reads the header of a safetensors file of `size` bytes.
 *
 * @throws TinkerError `bad_request` where the bytes are not such a file.
 */
export function readSafetensorsHeader(
  read: (offset: number, length: number) => Uint8Array<ArrayBuffer>,
  size: number,
): SafetensorsHeader {
  if (size < 8) throw malformed('at least 8 bytes', `${String(size)} bytes`);
  const length = Number(new DataView(read(0, 8).buffer).getBigUint64(0, true));
  const dataStart = 8 + length;
  if (dataStart > size) throw malformed(`a header of ${String(length)} bytes`, `a file of ${String(size)} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(read(8, length)));
  } catch (cause) {
    throw malformed('a JSON header', 'something else', cause);
  }
  if (!isRecord(header)) throw malformed('a header that is an object', JSON.stringify(header));
  const { [metadataKey]: metadata = {}, ...tensors } = header;
  const entries = Object.entries(tensors).map(
    ([name, value]) => [name, readEntry(name, value, size - dataStart)] as const,
  );
  return { entries: new Map(entries), metadata: readMetadata(metadata), dataStart };
}

/** The numbers of a tensor from the bytes that its entry names; half precision becomes float32. */
export function decodeTensor({ type, shape }: SafetensorsEntry, bytes: Uint8Array<ArrayBuffer>): EngineTensor {
  return { data: storedNumbers[type].read(bytes.buffer), shape };
}

function readMetadata(value: unknown): Record<string, string> {
  if (!isRecord(value)) throw malformed('metadata that is an object', JSON.stringify(value));
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

function readEntry(name: string, value: unknown, dataLength: number): SafetensorsEntry {
  if (!isRecord(value)) throw malformed(`a description of tensor ${name}`, JSON.stringify(value));
  const { dtype, shape, data_offsets: offsets } = value;
  const types = Object.keys(storedNumbers);
  if (!isStoredType(dtype)) throw malformed(`dtype ${types.join(', ')} for tensor ${name}`, JSON.stringify(dtype));
  const [begin, end] = isSizes(offsets) ? offsets : [];
  if (!isSizes(shape) || begin === undefined || end === undefined)
    throw malformed(`a shape and offsets for tensor ${name}`, JSON.stringify(value));
  const size = shape.reduce((product, dimension) => product * dimension, storedNumbers[dtype].bytes);
  if (end - begin !== size || end > dataLength)
    throw malformed(`${String(size)} bytes for tensor ${name}`, `offsets ${String(begin)} to ${String(end)}`);
  return { type: dtype, shape, begin, end };
}

function isStoredType(value: unknown): value is StoredType {
  return typeof value === 'string' && Object.hasOwn(storedNumbers, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && Number(size) >= 0);
}

function malformed(expected: string, got: string, cause?: unknown): TinkerError {
  return new TinkerError(
    'bad_request',
    `The weights are no safetensors file: expected ${expected}, got ${got}.`,
    cause === undefined ? {} : { cause },
  );
}
