import { TinkerError } from '../../src/errors.js';
import type { Storage } from '../../src/local/server/storage.js';
import type { SimulatedProcess } from './simulatedProcess.js';

/**
 * A disk that outlives its process: a write takes a while and is whole when it is answered; a crash in between leaves
 * the new file or the old one, by chance.
 */
export class SimulatedDisk {
  private readonly files = new Map<string, Uint8Array>();
  private readonly writing = new Set<() => void>();

  constructor(private readonly random: () => number) {}

  /** The storage of one process. */
  storage(process: SimulatedProcess): Storage {
    return {
      list: () => Promise.resolve(this.paths),
      read: (path) => {
        const bytes = this.files.get(path);
        if (bytes !== undefined) return Promise.resolve(bytes.slice());
        return Promise.reject(new TinkerError('not_found', `There is no file ${path}.`));
      },
      write: (path, bytes) => this.write(process, path, bytes.slice()),
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

  private write(process: SimulatedProcess, path: string, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const apply = (): void => {
        this.files.set(path, bytes);
      };
      this.writing.add(apply);
      process.after(1 + Math.floor(this.random() * 20), () => {
        this.writing.delete(apply);
        apply();
        resolve();
      });
    });
  }
}
