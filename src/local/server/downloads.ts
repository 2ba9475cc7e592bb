import { BoundedMap } from './boundedMap.js';
import type { Clock } from './clock.js';
import type { Random } from './random.js';
import { refusal } from './refusal.js';

/** Makes the content of a file. */
export type ReadFile = () => Promise<Uint8Array>;

interface Download {
  readonly files: Readonly<Record<string, ReadFile>>;
  readonly expiresAt: number;
}

/** Files that whoever has their URL may fetch for a while, without a key. */
export class Downloads {
  readonly #downloads = new BoundedMap<string, Download>(1000);
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Offers files by name; gives the secret part of their URLs. */
  offer(files: Readonly<Record<string, ReadFile>>, milliseconds: number): { token: string; expiresAt: number } {
    const token = this.#random.id() + this.#random.id();
    const expiresAt = this.#clock.now() + milliseconds;
    this.#downloads.set(token, { files, expiresAt });
    return { token, expiresAt };
  }

  /** @throws TinkerError with status 404 where there is no such file, or no longer. */
  read(token: string, name: string): Promise<Uint8Array> {
    const download = this.#downloads.get(token);
    const known = download !== undefined && download.expiresAt > this.#clock.now() ? download : undefined;
    const file = known !== undefined && Object.hasOwn(known.files, name) ? known.files[name] : undefined;
    if (file === undefined) throw refusal(404, 'This download does not exist or has expired. Ask for a new URL.');
    return file();
  }
}
