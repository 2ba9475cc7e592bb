import type { Command } from 'commander';
import { several } from './values.js';

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

/** Adds the same, and the models that the embedded server has beside its own. */
export function withEmbeddedModels(command: Command): Command {
  return withServer(command).option(
    '--base-model <name=dir>',
    'a model of the embedded server, from the directory of a Hugging Face checkpoint; may be given several times',
    several,
  );
}
