import type { Command } from 'commander';
import type { AddAction } from './addAction.js';
import { withServer } from './serverOptions.js';
import { integer } from './values.js';

/** Commands around models, training runs and sessions. */
export function addListings(program: Command, addAction: AddAction): void {
  const model = program.command('model').description('Show base models.');
  addAction(
    withServer(
      model
        .command('list')
        .description('List the base models that the server offers.')
        .argument('[substring]', 'only those whose names have this in them'),
    ),
    () => import('../commands/modelList.js'),
  );

  const run = program.command('run').description('Show training runs.');
  addAction(
    withServer(
      run
        .command('list')
        .description('List training runs, the latest first.')
        .option('--limit <n>', 'how many at most (0: all)', integer('--limit', 0), 20)
        .option(
          '-c, --columns <names>',
          'out of id, model, owner, lora, updated, status, checkpoint, checkpoint_time',
          'id,model,lora,updated,status',
        ),
    ),
    () => import('../commands/runList.js'),
  );
  addAction(
    withServer(run.command('info').description('Show a training run.').argument('<run-id>')),
    () => import('../commands/runInfo.js'),
  );

  const session = program.command('session').description('Look into sessions.');
  addAction(
    withServer(
      session
        .command('export-trace')
        .description('Download the trace of a session.')
        .argument('<session-id>')
        .option('-o, --output <file>', 'where to write it (default: SESSION-ID-trace.json)')
        .option('--url-only', 'show its URL, download nothing'),
    ),
    () => import('../commands/sessionExportTrace.js'),
  );
}
