import { Option, type Command } from 'commander';
import { integer, several } from './values.js';
import type { AddAction } from './addAction.js';

/** Commands around the embedded server. */
export function addServing(program: Command, addAction: AddAction): void {
  addAction(
    program
      .command('serve')
      .description('Serve the Tinker API on this machine, training for real.')
      .option('--host <host>', 'address to listen on (default 127.0.0.1; others need a key)')
      .option('--port <port>', 'port to listen on (default 0: any free one)', integer('--port', 0, 65_535))
      .option('--data-dir <dir>', 'directory to keep checkpoints in (default: in memory, lost at the end)')
      .option(
        '--base-model <name=dir>',
        'a model to train beside rxtinker/tiny, from the directory of a Hugging Face checkpoint (Llama, Mistral, ' +
          'Qwen2, Qwen3); may be given several times',
        several,
      )
      .option(
        '--threads <n>',
        'threads to compute with (default: as many as the machine has, 8 at most)',
        integer('--threads', 1, 256),
      )
      .addOption(
        new Option('--device <device>', 'what computes; it must be there')
          .choices(['cpu', 'webgpu', 'cuda'])
          .default('cpu'),
      )
      .addOption(
        new Option(
          '--precision <precision>',
          'how weights of base models are kept in memory; auto: float32, or less where that would not fit',
        )
          .choices(['auto', 'float32', 'float16', 'int8'])
          .default('auto'),
      )
      .option(
        '--memory-limit <megabytes>',
        'what weights and passes may take together (default: what is free)',
        integer('--memory-limit', 1, 2 ** 31),
      )
      .option('--deterministic', 'draw the samples of each call apart, so that they do not depend on other calls')
      .option(
        '--api-key-env <names>',
        'environment variables, with commas between them, with the keys that clients must send (default: no key); ' +
          'each key sees only its own models and checkpoints',
      )
      .option('--api-key-file <file>', 'file with such keys, one a line')
      .option('--allow-origin <origin>', 'a web page that may use the server, e.g. http://localhost:5173', several)
      .option('--dashboard', 'serve a page that shows what the server does, to browsers on this machine')
      .option(
        '--dashboard-port <port>',
        'port of that page (default 0: any free one)',
        integer('--dashboard-port', 0, 65_535),
      ),
    () => import('../commands/serve.js'),
  );
  addAction(
    program
      .command('watch')
      .description('Serve a page that follows runs live, to browsers on this machine.')
      .argument('[files...]', 'metrics.jsonl of the runs, or the folders that they are in (default: this folder)')
      .option('--url <url>', 'follow the training runs and checkpoints of this server; its key: TINKER_API_KEY')
      .option('--port <port>', 'port of the page (default 0: any free one)', integer('--port', 0, 65_535)),
    () => import('../commands/watch.js'),
  );
}
