import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { TinkerError } from '../errors.js';
import type { CommandContext } from './commandContext.js';
import { Interrupted } from './interrupted.js';

/** Asks for a line; nothing of what is typed is shown. Outside a terminal it reads the first line. */
export function askSecret(context: CommandContext, question: string): Promise<string> {
  return ask(context, question, false);
}

/** Asks a question that is answered by y or n. @throws TinkerError where nobody is there to answer */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  if (context.stdin.isTTY !== true) {
    throw new TinkerError('invalid_argument', 'Expected a terminal to ask for a confirmation. Give --yes to go on.');
  }
  return /^y(es)?$/i.test(await ask(context, `${question} [y/N] `, true));
}

async function ask({ stdin, stderr, signal }: CommandContext, question: string, isShown: boolean): Promise<string> {
  stderr.write(question);
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const terminal = stdin.isTTY === true;
  const lines = createInterface({
    input: stdin,
    ...(terminal && { output: isShown ? process.stderr : silent, terminal }),
  });
  try {
    // Raw mode takes Ctrl-C out of the terminal's hands.
    const cancelled = new Promise<never>((_, reject) => {
      const cancel = (): void => {
        reject(new Interrupted(signal.reason));
      };
      lines.once('SIGINT', cancel);
      signal.addEventListener('abort', cancel, { once: true });
    });
    const line = new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => {
        resolve('');
      });
    });
    return (await Promise.race([line, cancelled])).trim();
  } finally {
    lines.close();
    if (terminal && !isShown) stderr.write('\n');
  }
}
