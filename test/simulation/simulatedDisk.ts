import { TinkerError } from '../../src/errors.js';
import type { Storage } from '../../src/local/server/storage.js';
import type { SimulatedTime } from './simulatedTime.js';

/**
 * A disk that outlives its server: a write takes a while and is whole when it is answered; a crash in between leaves the
 * new file or the old one, by chance.
 */
export class SimulatedDisk {
  private readonly files = new Map<string, Uint8Array>();
  private readonly writing = new Set<() => void>();

  constructor(
    private readonly time: SimulatedTime,
    private readonly random: () => number,
  ) {}

  /** The storage of one server; useless once that has crashed. */
  storage(): Storage {
    return {
      list: () => Promise.resolve([...this.files.keys()]),
      read: (path) => {
        const bytes = this.files.get(path);
        if (bytes !== undefined) return Promise.resolve(bytes.slice());
        return Promise.reject(new TinkerError('not_found', `There is no file ${path}.`));
      },
      write: (path, bytes) =>
        new Promise((resolve) => {
          const copy = bytes.slice();
          const apply = (): void => {
            this.files.set(path, copy);
          };
          this.writing.add(apply);
          this.time.schedule(
            () => {
              if (!this.writing.delete(apply)) return;
              apply();
              resolve();
            },
            1 + Math.floor(this.random() * 20),
          );
        }),
      remove: (path) => {
        this.files.delete(path);
        return Promise.resolve();
      },
    };
  }

  /** Power goes: what was being written is there or not. */
  crash(): void {
    for (const apply of this.writing) if (this.random() < 0.5) apply();
    this.writing.clear();
  }

  read(path: string): Uint8Array | undefined {
    return this.files.get(path);
  }

  get paths(): string[] {
    return [...this.files.keys()];
  }
}
