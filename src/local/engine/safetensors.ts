import { TinkerError } from '../../errors.js';
import type { EngineTensor } from './engine.js';

/** Tensors by name with the file's metadata. */
export interface SafetensorsContent {
  readonly tensors: Readonly<Record<string, EngineTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const metadataKey = '__metadata__';

/**
 * Writes float32 and int32 tensors in the safetensors format
 * (https://github.com/huggingface/safetensors#format): 8 bytes of header length, a JSON header, the data.
 */
export function writeSafetensors(content: SafetensorsContent): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { [metadataKey]: content.metadata };
  let end = 0;
  for (const [name, tensor] of Object.entries(content.tensors)) {
    const begin = end;
    end += tensor.data.byteLength;
    const dtype = tensor.data instanceof Float32Array ? 'F32' : 'I32';
    header[name] = { dtype, shape: tensor.shape, data_offsets: [begin, end] };
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

/**
 * Reads a safetensors file of float32 and int32 tensors. The tensors are copies.
 *
 * @throws TinkerError `bad_request` where the bytes are not such a file.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsContent {
  const { header, dataStart } = readHeader(bytes);
  const tensors: Record<string, EngineTensor> = {};
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) metadata = readMetadata(value);
    else tensors[name] = readTensor(name, value, bytes.subarray(dataStart));
  }
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw malformed('at least 8 bytes', `${String(bytes.length)} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const dataStart = 8 + length;
  if (dataStart > bytes.length)
    throw malformed(`a header of ${String(length)} bytes`, `a file of ${String(bytes.length)} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, dataStart)));
  } catch (cause) {
    throw malformed('a JSON header', 'something else', cause);
  }
  if (!isRecord(header)) throw malformed('a header that is an object', JSON.stringify(header));
  return { header, dataStart };
}

function readMetadata(value: unknown): Record<string, string> {
  if (!isRecord(value)) throw malformed('metadata that is an object', JSON.stringify(value));
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]));
}

function readTensor(name: string, value: unknown, data: Uint8Array): EngineTensor {
  if (!isRecord(value)) throw malformed(`a description of tensor ${name}`, JSON.stringify(value));
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== 'F32' && dtype !== 'I32') throw malformed(`dtype F32 or I32 for tensor ${name}`, JSON.stringify(dtype));
  const [begin, end] = isSizes(offsets) ? offsets : [];
  if (!isSizes(shape) || begin === undefined || end === undefined)
    throw malformed(`a shape and offsets for tensor ${name}`, JSON.stringify(value));
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (end - begin !== 4 * size || end > data.length)
    throw malformed(`${String(4 * size)} bytes for tensor ${name}`, `offsets ${String(begin)} to ${String(end)}`);
  const copy = data.slice(begin, end).buffer;
  return { data: dtype === 'F32' ? new Float32Array(copy) : new Int32Array(copy), shape };
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
