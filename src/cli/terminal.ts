/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width in characters, where it is a terminal. */
  readonly columns?: number;
  /** Whether colours are wanted: not where `NO_COLOR` is set. */
  hasColors?(): boolean;
}

/** What a command is run in. */
export interface Terminal {
  /** Results. */
  readonly stdout: Output;
  /** Progress, notices and errors. */
  readonly stderr: Output;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the command is asked to end; its reason is the name of the signal, or `EPIPE` where nobody reads. */
  readonly signal: AbortSignal;
}

/** The terminal of this process: the first SIGINT or SIGTERM asks the command to end, the second ends it at once. */
export function processTerminal(): Terminal {
  const asked = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (asked.signal.aborted) process.exit(exitCodeOf(name));
      asked.abort(name);
    });
  }
  const { stdout, stderr, stdin, env } = process;
  for (const output of [stdout, stderr]) {
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      // Whoever read it has left, as `head` does: the command ends, and saves first what would be lost.
      asked.abort('EPIPE');
    });
  }
  return { stdout, stderr, stdin, env, signal: asked.signal };
}

/** The exit code of a command that a signal ended. */
export function exitCodeOf(signal: unknown): number {
  if (signal === 'EPIPE') return 0;
  return signal === 'SIGTERM' ? 143 : 130;
}
