// What bundlers for browsers take instead of files.ts: package.json says so under "browser".
import { TinkerError } from '../../errors.js';
import { keptFiles } from './keptFiles.js';
import type { ReadBytes } from './files.js';

export const hasFile = (file: string): boolean => keptFiles.has(file);

export function readText(file: string): string {
  return new TextDecoder().decode(bytesOf(file));
}

export const fileIn = (folder: string, file: string): string => `${folder}/${file}`;

export const absolutePath = (file: string): string => file;

export function withFile<Result>(file: string, use: (read: ReadBytes, size: number) => Result): Result {
  const bytes = bytesOf(file);
  return use((offset, length) => {
    if (offset + length > bytes.byteLength)
      throw new TinkerError('invalid_config', `Expected more bytes in ${file}, which is cut off.`);
    return bytes.slice(offset, offset + length);
  }, bytes.byteLength);
}

function bytesOf(file: string): Uint8Array<ArrayBuffer> {
  const bytes = keptFiles.get(file);
  if (bytes !== undefined) return bytes;
  throw new TinkerError('invalid_config', `Expected the file ${file}, got none.`);
}
