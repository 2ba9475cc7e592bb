import { TinkerError } from '../../errors.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, hasKey, openServer } from '../openServer.js';

/** Shows whether there is a key, and whether the server answers to it. */
export async function run(context: CommandContext, options: ServerOptions): Promise<void> {
  const available = hasKey(context.env);
  const reachable = await isReachable(context, options);
  const word = (yes: boolean): string => (yes ? 'yes' : 'no');
  context.print(
    { credentials_available: available, tinker_accessible: reachable },
    `Credentials available: ${word(available)}\nTinker accessible: ${word(reachable)}`,
  );
}

async function isReachable(context: CommandContext, options: ServerOptions): Promise<boolean> {
  try {
    await using service = await openServer(context, options);
    await context.wait(service.getServerCapabilities());
    return true;
  } catch (error) {
    if (!(error instanceof TinkerError)) throw error;
    context.notice(error.message);
    return false;
  }
}
