import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { duration } from '../output/quantities.js';
import { UsageError } from '../usageError.js';

interface SetTtlOptions extends ServerOptions {
  readonly ttl?: number;
  readonly remove?: boolean;
}

/** Sets when the server may delete a checkpoint. */
export async function run(context: CommandContext, options: SetTtlOptions, path: string): Promise<void> {
  const { ttl, remove = false } = options;
  if ((ttl !== undefined) === remove) throw new UsageError('Expected either --ttl SECONDS or --remove.');
  await using service = await openServer(context, options);
  await context.wait(service.rest.setCheckpointTtlFromTinkerPath(path, ttl ?? null));
  context.notice(ttl === undefined ? `${path} never expires.` : `${path} expires in ${duration(ttl)}.`);
}
