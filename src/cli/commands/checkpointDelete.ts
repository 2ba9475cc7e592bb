import { type Observable, catchError, filter, map, mergeMap, from, of, toArray } from 'rxjs';
import { parseTinkerPath } from '../../clients/tinkerPath.js';
import type { ServiceClient } from '../../clients/service.js';
import { TinkerError } from '../../errors.js';
import type { Checkpoint } from '../../wire/index.js';
import { confirm } from '../ask.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { UsageError } from '../usageError.js';

interface DeleteOptions extends ServerOptions {
  readonly runId?: string;
  readonly type?: 'training' | 'sampler' | 'external';
  readonly before?: string;
  readonly after?: string;
  readonly yes?: boolean;
}

/** Deletions under way at once. */
const WIDTH = 32;

/** Deletes checkpoints by their paths, or those of a training run that match. */
export async function run(context: CommandContext, options: DeleteOptions, paths: readonly string[]): Promise<void> {
  const { runId, type, before, after, yes = false } = options;
  if (paths.length > 0 === (runId !== undefined)) throw new UsageError('Expected either paths or --run-id.');
  if (runId === undefined && [type, before, after].some((one) => one !== undefined))
    throw new UsageError('Expected --run-id with --type, --before and --after.');
  paths.forEach(parseTinkerPath);
  const [earliest, latest] = [readTime('--after', after) ?? -Infinity, readTime('--before', before) ?? Infinity];
  await using service = await openServer(context, options);
  const matches = (checkpoint: Checkpoint): boolean => {
    const time = Date.parse(checkpoint.time);
    return (type === undefined || checkpoint.checkpointType === type) && time > earliest && time < latest;
  };
  const chosen =
    runId === undefined
      ? paths
      : await context.wait(
          service.rest.listCheckpoints(runId).pipe(
            filter(matches),
            map(({ tinkerPath }) => tinkerPath),
            toArray(),
          ),
        );
  if (chosen.length > 0 && !yes) {
    for (const path of chosen) context.live.above(path);
    if (!(await confirm(context, `Delete ${count(chosen.length)}? They can't be restored.`))) {
      context.notice('Nothing was deleted.');
      return;
    }
  }
  const results = await context.wait(
    from(chosen).pipe(
      mergeMap((path) => deleteOne(service, path), WIDTH),
      toArray(),
    ),
  );
  const failed = results.filter(({ error }) => error !== undefined);
  const deleted = results.length - failed.length;
  context.print({ deleted_count: deleted, failed }, `Deleted ${count(deleted)}.`);
  if (failed.length === 0) return;
  throw new TinkerError(
    'request_failed',
    `${count(failed.length)} could not be deleted, the first is ${String(failed[0]?.tinker_path)}: ${String(failed[0]?.error)}`,
  );
}

interface Deleted {
  readonly tinker_path: string;
  readonly error?: string;
}

function deleteOne(service: ServiceClient, path: string): Observable<Deleted> {
  return service.rest.deleteCheckpointFromTinkerPath(path).pipe(
    map((): Deleted => ({ tinker_path: path })),
    catchError((error: unknown) =>
      of({ tinker_path: path, error: error instanceof Error ? error.message : String(error) }),
    ),
  );
}

function count(checkpoints: number): string {
  return `${checkpoints} checkpoint${checkpoints === 1 ? '' : 's'}`;
}

/** Milliseconds of an ISO 8601 time; one without a zone is UTC. */
function readTime(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const isZoned = !text.includes('T') || /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const time = Date.parse(isZoned ? text : `${text}Z`);
  if (!Number.isNaN(time)) return time;
  throw new UsageError(`Expected ${option} to be a time such as 2026-01-31 or 2026-01-31T12:00:00Z, got "${text}".`);
}
