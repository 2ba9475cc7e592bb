import { SDK_VERSION } from '../clients/version.js';
import { UsageError } from './usageError.js';
import { serve } from './serve.js';

const help = `rxtinker ${SDK_VERSION}: fine-tune language models through the Tinker API

Usage: rxtinker serve [options]   serve the Tinker API on this machine, training for real
       rxtinker --help            show this
       rxtinker --version         show the version

Options of serve:
  --host HOST          address to listen on (default 127.0.0.1; others need a key)
  --port PORT          port to listen on (default 0: any free one)
  --data-dir DIR       directory to keep checkpoints in (default: in memory, lost at the end)
  --base-model NAME=DIR
                       a model to train beside rxtinker/tiny, from the directory of a Hugging Face checkpoint
                       (Llama, Mistral, Qwen2, Qwen3); may be given several times
  --threads N          threads to compute with (default: as many as the machine has, 8 at most)
  --api-key-env NAMES  environment variables, with commas between them, with the keys that clients must send
                       (default: no key); each key sees only its own models and checkpoints
  --api-key-file FILE  file with such keys, one a line
`;

/**
 * Runs the command line; gives the exit code: 0 done, 1 failed, 2 wrong usage.
 *
 * An error takes two lines of the error stream: what happened, and what to do.
 */
export async function run(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === undefined) throw new UsageError('Expected a command.');
    if (args.includes('--help') || args.includes('-h') || command === 'help') {
      process.stdout.write(help);
      return 0;
    }
    if (command === '--version') {
      process.stdout.write(`${SDK_VERSION}\n`);
      return 0;
    }
    if (command !== 'serve') throw new UsageError(`Expected the command serve, got ${JSON.stringify(command)}.`);
    await serve(rest);
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    const [what = '', ...advice] = message.split(/(?<=\.)\s+(?=[A-Z])/);
    const advised = advice.length > 0 ? advice.join(' ') : 'Run rxtinker --help to see what it takes.';
    process.stderr.write(`rxtinker: ${what.replaceAll('\n', ' ')}\n${advised.replaceAll('\n', ' ')}\n`);
    return usage ? 2 : 1;
  }
}
