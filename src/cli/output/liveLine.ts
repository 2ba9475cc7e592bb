import type { Output } from '../terminal.js';

/** A last line of a terminal that is written over; other lines come above it. Shows nothing outside a terminal. */
export class LiveLine {
  private shown = '';

  constructor(private readonly output: Output) {}

  /** Whether there is a terminal to show it on. */
  get isLive(): boolean {
    return this.output.isTTY === true;
  }

  /** Shows a text in place of the one before, cut to the width of the terminal. */
  update(text: string): void {
    if (!this.isLive) return;
    this.shown = cut(text, (this.output.columns ?? 80) - 1);
    this.output.write(`\r${this.shown}\u001B[K`);
  }

  /** Writes a whole line above. */
  above(text: string): void {
    if (this.shown === '') this.output.write(`${text}\n`);
    else this.output.write(`\r\u001B[K${text}\n${this.shown}`);
  }

  /** Leaves the text where it is; what comes next begins a line of its own. */
  end(): void {
    if (this.shown !== '') this.output.write('\n');
    this.shown = '';
  }

  /** Takes the text away. */
  clear(): void {
    if (this.shown !== '') this.output.write('\r\u001B[K');
    this.shown = '';
  }
}

/** The first so many characters that are seen; sequences of colours take no place. */
function cut(text: string, width: number): string {
  let left = width;
  return text.replace(/\u001B\[[0-9;]*m|./gu, (part) => {
    if (part.startsWith('\u001B')) return part;
    left -= 1;
    return left >= 0 ? part : '';
  });
}
