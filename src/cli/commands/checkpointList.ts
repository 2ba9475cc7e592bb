import { toArray } from 'rxjs';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { byteSize, time } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { table } from '../output/table.js';
import { first } from './runList.js';

interface CheckpointListOptions extends ServerOptions {
  readonly runId?: string;
  readonly limit: number;
}

/** Lists checkpoints: of one training run, or of all. */
export async function run(context: CommandContext, options: CheckpointListOptions): Promise<void> {
  const { runId, limit } = options;
  await using service = await openServer(context, options);
  const { rest } = service;
  const all = runId === undefined ? rest.listUserCheckpoints({ pageSize: limit || 1000 }) : rest.listCheckpoints(runId);
  const checkpoints = await context.wait(first(all, limit).pipe(toArray()));
  const text = table(
    checkpoints,
    [
      ['path', ({ tinkerPath }) => tinkerPath],
      ['type', ({ checkpointType }) => checkpointType],
      ['size', ({ sizeBytes }) => byteSize(sizeBytes)],
      ['public', (checkpoint) => (checkpoint.public ? 'yes' : 'no')],
      ['created', (checkpoint) => time(checkpoint.time)],
      ['expires', ({ expiresAt }) => (expiresAt === undefined ? 'never' : time(expiresAt))],
    ],
    'No checkpoints.',
  );
  context.print({ ...(runId !== undefined && { run_id: runId }), checkpoints: snakeJson(checkpoints) }, text);
}
