import { TinkerError } from '../../errors.js';
import type { Storage } from './storage.js';

/** Keeps files in memory, for as long as the object lives. */
export function memoryStorage(): Storage {
  const files = new Map<string, Uint8Array>();
  return {
    list: () => Promise.resolve([...files.keys()]),
    read: (path) => {
      const bytes = files.get(path);
      return bytes === undefined
        ? Promise.reject(new TinkerError('not_found', `Expected a file ${path}, but there is none.`))
        : Promise.resolve(bytes.slice());
    },
    write: (path, bytes) => {
      files.set(path, bytes.slice());
      return Promise.resolve();
    },
    remove: (path) => {
      files.delete(path);
      return Promise.resolve();
    },
  };
}
