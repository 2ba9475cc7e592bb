import { CommanderError } from 'commander';
import { makeProgram } from './program.js';
import { reportError } from './reportError.js';
import type { Terminal } from './terminal.js';
import { UsageError } from './usageError.js';

/** Runs the command line; gives the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = makeProgram(terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportError(usageErrorOf(error), calledCommand(args), terminal.stderr);
  }

  /** The command that was meant, as far as it is known. */
  function calledCommand(words: readonly string[]): string {
    let command = program;
    let name = 'rxtinker';
    for (const word of words) {
      const next = command.commands.find((one) => one.name() === word);
      if (next === undefined) continue;
      command = next;
      name += ` ${word}`;
    }
    return name;
  }
}

/** The parser's own errors, in the words of this program. */
function usageErrorOf(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.code === 'commander.help') return new UsageError('Expected a command.', { cause: error });
  const [, text = ''] = /^(?:error: )?(.*)$/s.exec(error.message) ?? [];
  const [what = '', hint] = text.split(/\n\(?/);
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}`.replace(/\.?$/, '.');
  return new UsageError(hint === undefined ? sentence : `${sentence} ${hint.replace(/\)$/, '')}`, { cause: error });
}
