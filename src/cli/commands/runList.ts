import { type Observable, take, toArray } from 'rxjs';
import type { TrainingRun } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { time } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { type Column, table } from '../output/table.js';
import { UsageError } from '../usageError.js';

interface RunListOptions extends ServerOptions {
  readonly limit: number;
  readonly columns: string;
}

const columns: Readonly<Record<string, Column<TrainingRun>>> = {
  id: ['id', (run) => run.trainingRunId],
  model: ['model', (run) => run.baseModel],
  owner: ['owner', (run) => run.modelOwner],
  lora: ['lora', (run) => (run.isLora ? `rank ${run.loraRank ?? '?'}` : 'no')],
  updated: ['updated', (run) => time(run.lastRequestTime)],
  status: ['status', (run) => (run.corrupted ? 'failed' : 'active')],
  checkpoint: ['checkpoint', (run) => run.lastCheckpoint?.checkpointId],
  checkpoint_time: ['checkpoint time', (run) => time(run.lastCheckpoint?.time)],
};

/** Lists training runs, the latest first. */
export async function run(context: CommandContext, options: RunListOptions): Promise<void> {
  const chosen = options.columns.split(',').map((name) => {
    const column = columns[name.trim()];
    if (column !== undefined) return column;
    throw new UsageError(
      `Expected --columns out of ${Object.keys(columns).join(', ')}, got ${JSON.stringify(name.trim())}.`,
    );
  });
  await using service = await openServer(context, options);
  const runs = service.rest.listTrainingRuns({ pageSize: Math.min(options.limit || 100, 100) });
  const found = await context.wait(first(runs, options.limit).pipe(toArray()));
  context.print({ runs: snakeJson(found) }, table(found, chosen, 'No training runs.'));
}

/** The first so many values; all of them for 0. */
export function first<T>(values: Observable<T>, limit: number): Observable<T> {
  return limit === 0 ? values : values.pipe(take(limit));
}
