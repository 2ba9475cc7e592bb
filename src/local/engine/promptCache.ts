import type { KeyValueCache } from './keyValueCache.js';

/** A prompt that was read, or one with the sample that was drawn for it: a chat's next prompt begins with both. */
export interface ReadPrompt {
  readonly tokens: Int32Array;
  /** Its keys and values: one row. */
  readonly cache: KeyValueCache;
  /** The distribution of the token after it, where that is known. */
  readonly next?: Float32Array;
}

interface Entry {
  readonly owner: object;
  readonly prompt: ReadPrompt;
  readonly bytes: number;
}

/**
 * Prompts that were read lately, by the weights they were read with, so that prompts that begin alike are read once.
 * The least recently used go first where the bytes run out.
 */
export class PromptCache {
  /** The most recently used last. */
  #entries: Entry[] = [];
  #bytes = 0;

  /** `budget`: bytes that all prompts may take, asked for whenever one is added. */
  constructor(private readonly budget: () => number) {}

  /** The prompt of these weights that begins like `tokens` for the longest, and how many tokens that is. */
  find(owner: object, tokens: Int32Array): { readonly prompt: ReadPrompt; readonly shared: number } | undefined {
    let best: Entry | undefined;
    let most = 0;
    for (const entry of this.#entries) {
      const shared = entry.owner === owner ? commonStart(entry.prompt.tokens, tokens) : 0;
      const whole =
        shared > 0 &&
        shared === most &&
        entry.prompt.tokens.length === tokens.length &&
        entry.prompt.next !== undefined;
      if (shared > most || whole) [best, most] = [entry, shared];
    }
    if (best === undefined) return undefined;
    this.#entries = [...this.#entries.filter((entry) => entry !== best), best];
    return { prompt: best.prompt, shared: most };
  }

  /** Keeps a prompt; nothing of it may change from here on. */
  add(owner: object, prompt: ReadPrompt): void {
    const bytes = prompt.cache.bytes + (prompt.next?.byteLength ?? 0) + prompt.tokens.byteLength;
    this.#entries.push({ owner, prompt, bytes });
    this.#bytes += bytes;
    for (const budget = this.budget(); this.#bytes > budget;) this.#bytes -= this.#entries.shift()?.bytes ?? Infinity;
    this.#bytes = Math.max(0, this.#bytes);
  }

  /** Forgets the prompts of these weights. */
  drop(owner: object): void {
    this.#entries = this.#entries.filter((entry) => entry.owner !== owner);
    this.#bytes = this.#entries.reduce((total, { bytes }) => total + bytes, 0);
  }
}

function commonStart(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < length && a[shared] === b[shared]) shared++;
  return shared;
}
