import { type Command, Option } from 'commander';
import type { AddAction } from './addAction.js';
import { withServer } from './serverOptions.js';
import { integer, several } from './values.js';

/** Commands around checkpoints. */
export function addCheckpoints(program: Command, addAction: AddAction): void {
  const checkpoint = program.command('checkpoint').description('List, share, keep and delete checkpoints.');
  const onPath = (name: string, description: string): Command =>
    withServer(checkpoint.command(name).description(description).argument('<path>', 'tinker://…'));

  addAction(
    withServer(
      checkpoint
        .command('list')
        .description('List checkpoints.')
        .option('--run-id <id>', 'of this training run alone')
        .option('--limit <n>', 'how many at most (0: all)', integer('--limit', 0), 20),
    ),
    () => import('../commands/checkpointList.js'),
  );
  addAction(onPath('info', 'Show a checkpoint.'), () => import('../commands/checkpointInfo.js'));
  addAction(onPath('publish', 'Let everybody read a checkpoint.'), () => import('../commands/checkpointPublish.js'));
  addAction(
    onPath('unpublish', 'Take a published checkpoint back.'),
    () => import('../commands/checkpointUnpublish.js'),
  );
  addAction(
    onPath('set-ttl', 'Set when the server may delete a checkpoint.')
      .option('--ttl <seconds>', 'so many seconds from now', integer('--ttl', 1))
      .option('--remove', 'never'),
    () => import('../commands/checkpointSetTtl.js'),
  );
  addAction(
    withServer(
      checkpoint
        .command('delete')
        .description('Delete checkpoints: by their paths, or those of a training run that match.')
        .argument('[paths...]', 'tinker://…')
        .option('--run-id <id>', 'those of this training run')
        .addOption(new Option('--type <type>', 'only of this type').choices(['training', 'sampler', 'external']))
        .option('--before <time>', 'only those made before this time (ISO 8601, UTC)')
        .option('--after <time>', 'only those made after this time')
        .option('-y, --yes', 'do not ask'),
    ),
    () => import('../commands/checkpointDelete.js'),
  );
  addAction(
    onPath('download', 'Download a checkpoint: an adapter as Hugging Face PEFT reads it.')
      .option('-o, --output <dir>', 'folder to make a folder for it in', '.')
      .option('--force', 'replace files that are there already'),
    () => import('../commands/checkpointDownload.js'),
  );
  addAction(
    onPath('push-hf', 'Upload a checkpoint to the Hugging Face hub, as an adapter of PEFT.')
      .option('-r, --repo <owner/name>', 'repository, made where missing (default: one of yours, named after the run)')
      .option('--public', 'let everybody read it (default: a new repository is private)')
      .option(
        '--revision <branch>',
        'branch, made where missing (default: main; without --repo, the checkpoint’s name)',
      )
      .option('--commit-message <text>', 'message of the commit')
      .option('--create-pr', 'upload as a pull request')
      .option('--allow-pattern <pattern>', 'only files like this, e.g. *.json; may be given several times', several)
      .option('--ignore-pattern <pattern>', 'no files like this; may be given several times', several)
      .option('--no-model-card', 'without a README.md that says what it is')
      .addHelpText(
        'after',
        '\nThe token is taken from HF_TOKEN or from `hf auth login`, the address of the hub from HF_ENDPOINT.',
      ),
    () => import('../commands/checkpointPushHf.js'),
  );
  addAction(
    checkpoint
      .command('import')
      .description('Make an adapter of Hugging Face PEFT a checkpoint of the embedded server.')
      .argument('<dir>', 'with adapter_config.json and adapter_model.safetensors')
      .requiredOption('--base-model <name>', 'the base model that it was trained on; NAME=DIR for one from a directory')
      .option('--data-dir <dir>', 'the directory of the embedded server’s checkpoints', '.rxtinker')
      .option('--name <name>', 'name of the checkpoint (default: that of the directory)'),
    () => import('../commands/checkpointImport.js'),
  );
  addAction(
    withServer(
      checkpoint
        .command('export')
        .description(
          'Merge a checkpoint, or an adapter in a directory, into its base model as a Hugging Face checkpoint.',
        )
        .argument('<path-or-dir>', 'tinker://… or the directory of an adapter')
        .requiredOption(
          '--base-model <name>',
          'the base model that it was trained on; NAME=DIR for one from a directory',
        )
        .requiredOption('-o, --output <dir>', 'directory to write, empty or not there yet'),
    ),
    () => import('../commands/checkpointExport.js'),
  );
}
