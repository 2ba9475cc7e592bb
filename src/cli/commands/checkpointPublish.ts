import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';

/** Lets everybody read a checkpoint. */
export async function run(context: CommandContext, options: ServerOptions, path: string): Promise<void> {
  await using service = await openServer(context, options);
  await context.wait(service.rest.publishCheckpointFromTinkerPath(path));
  context.notice(`Published ${path}.`);
}
