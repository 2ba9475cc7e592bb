import type { StopTexts } from './engine.js';

/** Watches the text of a sample, token by token, for one of the texts that end it. */
export class StopTextMatcher {
  /** The end of the text so far: as much as a match that is not complete yet can need. */
  #tail = new Uint8Array();
  readonly #longest: number;

  constructor(private readonly stop: StopTexts) {
    this.#longest = Math.max(...stop.texts.map((text) => text.length));
  }

  /** Adds a token; whether a text is complete now. */
  add(token: number): boolean {
    const { bytes, starts } = this.stop.vocabulary;
    const added = bytes.subarray(starts[token] ?? 0, starts[token + 1] ?? 0);
    const seen = new Uint8Array(this.#tail.length + added.length);
    seen.set(this.#tail);
    seen.set(added, this.#tail.length);
    this.#tail = seen.slice(Math.max(0, seen.length - this.#longest + 1));
    return this.stop.texts.some((text) => includes(seen, text));
  }
}

function includes(bytes: Uint8Array, text: Uint8Array): boolean {
  for (let start = 0; start + text.length <= bytes.length; start++) {
    if (text.every((byte, index) => bytes[start + index] === byte)) return true;
  }
  return false;
}
