import type { FileHandle } from 'node:fs/promises';
import { TinkerError } from '../errors.js';

const longestHeader = 100 * 1024 * 1024;

/**
 * Checks that a safetensors file is whole: 8 bytes with the length of a JSON header, the header, and exactly the data that
 * its offsets speak of (https://huggingface.co/docs/safetensors). A file encrypted by age is passed over.
 *
 * @throws TinkerError `invalid_response`
 */
export async function checkSafetensors(file: FileHandle, name: string): Promise<void> {
  const { size } = await file.stat();
  const bad = (what: string, cause?: unknown): TinkerError =>
    new TinkerError('invalid_response', `Expected ${name} to be a whole safetensors file, but ${what}.`, { cause });
  const read = async (position: number, length: number): Promise<Buffer> => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  const start = await read(0, 22);
  if (start.toString('latin1').startsWith('age-encryption.org/v1')) return;
  if (size < 8) throw bad(`it has ${size} bytes`);
  const length = Number(start.readBigUInt64LE(0));
  if (length > longestHeader || 8 + length > size)
    throw bad(`its header says ${length} bytes and the file has ${size}`);
  let header: unknown;
  try {
    header = JSON.parse((await read(8, length)).toString('utf8'));
  } catch (cause) {
    throw bad('its header is no JSON', cause);
  }
  const tensors = Object.entries((header ?? {}) as Record<string, { data_offsets?: unknown } | null>).filter(
    ([key]) => key !== '__metadata__',
  );
  const ends = tensors.map(([, tensor]) =>
    Array.isArray(tensor?.data_offsets) ? Number(tensor.data_offsets[1]) : NaN,
  );
  const dataLength = ends.reduce((most, end) => (end <= most ? most : end), 0);
  if (ends.some((end) => Number.isNaN(end))) throw bad('a tensor has no offsets');
  if (8 + length + dataLength !== size) {
    throw bad(`its tensors end at byte ${8 + length + dataLength} and the file has ${size}`);
  }
}
