import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { TinkerError } from '../../errors.js';

/** Reads bytes of a file. @throws TinkerError `invalid_config` where it is shorter. */
export type ReadBytes = (offset: number, length: number) => Uint8Array<ArrayBuffer>;

/** Whether there is such a file. */
export const hasFile: (file: string) => boolean = existsSync;

/** The text of a file. */
export function readText(file: string): string {
  return readFileSync(file, 'utf8');
}

/** Path of a file in a folder. */
export const fileIn = (folder: string, file: string): string => path.join(folder, file);

/** The same path wherever the process goes. */
export const absolutePath = (file: string): string => path.resolve(file);

/** Lets a function read parts of a file. */
export function withFile<Result>(file: string, use: (read: ReadBytes, size: number) => Result): Result {
  const descriptor = openSync(file, 'r');
  try {
    const read: ReadBytes = (offset, length) => {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        if (count === 0) throw new TinkerError('invalid_config', `Expected more bytes in ${file}, which is cut off.`);
        done += count;
      }
      return bytes;
    };
    return use(read, fstatSync(descriptor).size);
  } finally {
    closeSync(descriptor);
  }
}
