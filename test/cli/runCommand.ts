import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/run.js';

/** What a command did. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How {@link runCommand} runs a command. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the command reads. */
  readonly input?: string;
  /** Asks the command to end. */
  readonly signal?: AbortSignal;
  /** Width of the terminal that its progress is shown on; without it there is none. */
  readonly columns?: number;
  /** Told of each piece that the command writes. */
  readonly onWrite?: (text: string) => void;
}

/** Runs a command in this process, outside any terminal. */
export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { env = {}, input = '', signal = new AbortController().signal, columns, onWrite } = options;
  let out = '';
  let err = '';
  const stdin = new PassThrough();
  stdin.end(input);
  const code = await run(args, {
    stdout: { write: (text) => ((out += text), onWrite?.(text)) },
    stderr: {
      write: (text) => ((err += text), onWrite?.(text)),
      ...(columns !== undefined && { isTTY: true, columns }),
    },
    stdin,
    env,
    signal,
  });
  return { code, out, err };
}
