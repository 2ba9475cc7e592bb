import { storedKey } from '../auth/credentialsFile.js';
import type { ServiceClient } from '../clients/service.js';
import type { CommandContext } from './commandContext.js';
import { UsageError } from './usageError.js';

/** Options of a command that works with a server. */
export interface ServerOptions {
  readonly baseUrl?: string;
  /** Where the embedded server keeps its checkpoints; if it is given, that server is used. */
  readonly dataDir?: string;
  readonly baseModel?: readonly string[];
}

/** Where the embedded server of this process keeps its checkpoints. */
export const DEFAULT_DATA_DIR = '.rxtinker';

/**
 * A client on the server that the options or the environment name; where they name none, on the embedded server in this
 * process, which is told in a line. `close()` ends both.
 *
 * @throws TinkerError `invalid_config`, e.g. for a data directory that another process uses
 */
export async function openServer(context: CommandContext, options: ServerOptions): Promise<ServiceClient> {
  const { env, log } = context;
  const userMetadata = { created_by: 'rxtinker' };
  const { baseUrl = setting(env.TINKER_BASE_URL), dataDir = DEFAULT_DATA_DIR } = options;
  const apiKey = setting(env.TINKER_API_KEY);
  if (options.baseUrl !== undefined && options.dataDir !== undefined)
    throw new UsageError('Expected --base-url or --data-dir, got both. A server keeps its own data directory.');
  if (!isEmbedded(context, options)) {
    const { ServiceClient } = await import('../clients/service.js');
    return new ServiceClient({ baseUrl, apiKey: apiKey ?? storedKey(env), log, userMetadata });
  }
  const [{ localService }, { readBaseModels }] = await Promise.all([
    import('../local/index.js'),
    import('./baseModels.js'),
  ]);
  const why = options.dataDir === undefined ? 'No base URL or key is set: using' : 'Using';
  context.notice(`${why} the embedded server in this process, with its checkpoints in ${dataDir}.`);
  return localService({
    dataDir,
    ...(options.baseModel !== undefined && { baseModels: readBaseModels(options.baseModel) }),
    log: (level, message) => {
      if (level === 'warn' || level === 'error') log[level](message);
    },
    service: { log, userMetadata },
  });
}

/** Whether a command uses the embedded server in this process. */
export function isEmbedded({ env }: Pick<CommandContext, 'env'>, { baseUrl, dataDir }: ServerOptions): boolean {
  return dataDir !== undefined || (baseUrl === undefined && setting(env.TINKER_BASE_URL) === undefined && !hasKey(env));
}

/** Whether a key can be had without asking for one. */
export function hasKey(env: CommandContext['env']): boolean {
  return [env.TINKER_API_KEY, env.TINKER_CREDENTIAL_CMD, storedKey(env)].some((value) => setting(value) !== undefined);
}

function setting(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}
