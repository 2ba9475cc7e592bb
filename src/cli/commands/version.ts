import { SDK_VERSION } from '../../clients/version.js';
import type { CommandContext } from '../commandContext.js';

/** Shows the version of this package. */
export function run(context: CommandContext): Promise<void> {
  context.print({ version: SDK_VERSION }, `rxtinker ${SDK_VERSION}`);
  return Promise.resolve();
}
