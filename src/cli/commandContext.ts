import { type Observable, fromEvent, lastValueFrom, mergeMap, of, takeUntil, throwError } from 'rxjs';
import type { Logger } from '../log.js';
import { Interrupted } from './interrupted.js';
import { makeLog } from './makeLog.js';
import { LiveLine } from './output/liveLine.js';
import type { Terminal } from './terminal.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly format: 'table' | 'json';
  readonly quiet?: boolean;
}

/** What every command gets. */
export interface CommandContext extends Terminal {
  readonly format: 'table' | 'json';
  /** Nothing is shown but results and errors. */
  readonly quiet: boolean;
  /** Writes a result: as JSON, or as the text that people read. */
  print(json: unknown, text: string): void;
  /** The line of the error stream that progress is shown on. */
  readonly live: LiveLine;
  /** Warnings of the library, above that line. */
  readonly log: Logger;
  /** Writes a notice for people on the error stream, unless `quiet`. */
  notice(text: string): void;
  /** The last value of a stream; @throws Interrupted when the command is asked to end */
  wait<T>(source: Observable<T>): Promise<T>;
}

/** Makes what a command gets. */
export function commandContext(terminal: Terminal, { format, quiet = false }: GlobalOptions): CommandContext {
  const { stdout, stderr, signal } = terminal;
  const live = new LiveLine(stderr);
  return {
    ...terminal,
    format,
    quiet,
    live,
    log: makeLog(terminal.env.TINKER_LOG, live),
    print: (json, text) => {
      if (format === 'json') stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
      else if (text !== '') stdout.write(`${text}\n`);
    },
    notice: (text) => {
      if (!quiet) live.above(text);
    },
    // eslint-disable-next-line rxjs-x/no-ignored-default-value -- a stream without a value is a fault, told as one
    wait: (source) => lastValueFrom(source.pipe(takeUntil(interruption(signal)))),
  };
}

/** Errors when the command is asked to end. */
function interruption(signal: AbortSignal): Observable<never> {
  const asked: Observable<unknown> = signal.aborted ? of(undefined) : fromEvent(signal, 'abort');
  return asked.pipe(mergeMap(() => throwError(() => new Interrupted(signal.reason))));
}
