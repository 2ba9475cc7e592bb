import type { Command } from 'commander';

/** Adds the options that say which server a command works with. */
export function withServer(command: Command): Command {
  return command
    .option('--base-url <url>', 'address of the server (default: TINKER_BASE_URL)')
    .option(
      '--data-dir <dir>',
      'use the embedded server in this process, with its checkpoints in this directory (default where neither a base ' +
        'URL nor a key is set: .rxtinker)',
    );
}
