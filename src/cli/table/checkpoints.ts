import { type Command, Option } from 'commander';
import type { AddAction } from './addAction.js';
import { withServer } from './serverOptions.js';
import { integer } from './values.js';

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
}
