import { TinkerError, type TinkerErrorCode } from '../errors.js';
import { Interrupted } from './interrupted.js';
import type { Output } from './terminal.js';
import { exitCodeOf } from './terminal.js';
import { UsageError } from './usageError.js';

/** Errors that the words of a command are the cause of. */
const inputCodes: ReadonlySet<TinkerErrorCode> = new Set(['invalid_argument', 'invalid_config', 'bad_request']);

/**
 * Writes an error in two lines, what happened and what to do; gives the exit code: 1 failed, 2 wrong usage, 130
 * interrupted (143 by SIGTERM).
 *
 * @param command the command as it was called, e.g. `rxtinker checkpoint list`
 */
export function reportError(error: unknown, command: string, stderr: Output): number {
  if (error instanceof Interrupted) return exitCodeOf(error.signal);
  const message = error instanceof Error ? error.message : String(error);
  const [what = '', ...advice] = message.trim().split(/(?<=\.)\s+(?=[A-Z])/);
  const usage = error instanceof UsageError;
  const wrongInput = usage || (error instanceof TinkerError && inputCodes.has(error.code));
  const fallback = wrongInput
    ? `Run ${command} --help to see what it takes.`
    : 'Set TINKER_LOG=debug to see more of what is done.';
  const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');
  stderr.write(`rxtinker: ${oneLine(what)}\n${oneLine(advice.join(' ')) || fallback}\n`);
  return usage ? 2 : 1;
}
