import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';

/** Takes a published checkpoint back. */
export async function run(context: CommandContext, options: ServerOptions, path: string): Promise<void> {
  await using service = await openServer(context, options);
  await context.wait(service.rest.unpublishCheckpointFromTinkerPath(path));
  context.notice(`Unpublished ${path}.`);
}
