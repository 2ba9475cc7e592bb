import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { type Observable, type SchedulerLike, concatMap, defer, from, timer } from 'rxjs';

/** What one look at a file brought. */
export interface NewLines {
  /** Whole lines that were not seen before. */
  readonly lines: readonly string[];
  /** Why the file can't be read: `ENOENT` where there is none. */
  readonly fault?: string;
  /** The file is another one or became shorter; the lines are from its beginning on. */
  readonly restarted?: boolean;
}

const bytesAtOnce = 1 << 20;

/**
 * Looks at a file again and again, and emits what was appended, at each look. A last line without its end waits for it.
 *
 * A file may come late, go and come again. Never completes nor errors.
 */
export function followLines(path: string, scheduler: SchedulerLike, intervalMs: number): Observable<NewLines> {
  return defer(() => {
    const follower = new Follower(path);
    return timer(0, intervalMs, scheduler).pipe(
      // A look that takes longer than the interval lets the next one wait, and that one finds all there is.
      concatMap(() => from(follower.look())),
    );
  });
}

class Follower {
  #position = 0;
  #inode = 0;
  #wasGone = false;
  #rest = '';
  #decoder = new StringDecoder('utf8');

  constructor(private readonly path: string) {}

  async look(): Promise<NewLines> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.path, 'r');
      return await this.#read(file);
    } catch (error) {
      this.#wasGone = true;
      return { lines: [], fault: error instanceof Error && 'code' in error ? String(error.code) : String(error) };
    } finally {
      await file?.close();
    }
  }

  async #read(file: FileHandle): Promise<NewLines> {
    const { size, ino: inode } = await file.stat();
    // A file system gives the number of a file that is gone to a new one.
    const restarted = this.#inode !== 0 && (this.#wasGone || inode !== this.#inode || size < this.#position);
    this.#wasGone = false;
    if (restarted) {
      this.#position = 0;
      this.#rest = '';
      this.#decoder = new StringDecoder('utf8');
    }
    this.#inode = inode;
    let text = this.#rest;
    const buffer = Buffer.allocUnsafe(Math.min(bytesAtOnce, Math.max(1, size - this.#position)));
    while (this.#position < size) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#position);
      if (bytesRead === 0) break;
      this.#position += bytesRead;
      text += this.#decoder.write(buffer.subarray(0, bytesRead));
    }
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    return { lines: lines.filter((line) => line.trim() !== ''), ...(restarted && { restarted }) };
  }
}
