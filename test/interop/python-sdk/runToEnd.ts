import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a program is run. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Whether its output is printed as it comes. */
  readonly show?: boolean;
  readonly limitSeconds?: number;
}

/** Runs a program; gives its standard output. @throws Error with the end of its errors where it fails */
export async function runToEnd(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { env, show = false, limitSeconds = 900 } = options;
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) });
  // The option `timeout` of spawn would keep this process waiting where the program can't be started.
  const timer = setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (show) process.stdout.write(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
    if (show) process.stderr.write(chunk);
  });
  const [status, signal] = (await once(child, 'close').finally(() => {
    clearTimeout(timer);
  })) as [number | null, string | null];
  if (status === 0) return output;
  const last = errors.trimEnd().split('\n').slice(-3).join(' ');
  throw new Error(`${command.join(' ')} ended with ${String(status ?? signal)}: ${last}`);
}
