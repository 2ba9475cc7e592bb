import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Subject } from 'rxjs';
import { TinkerError } from '../../errors.js';
import type { LocalServerOptions, ServerEvent } from '../../local/index.js';
import { consoleLogger } from '../../log.js';
import type { Dashboard } from '../../dashboard/index.js';
import { readBaseModels } from '../baseModels.js';
import type { CommandContext } from '../commandContext.js';

interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly dataDir?: string;
  readonly baseModel?: readonly string[];
  readonly threads?: number;
  readonly device?: NonNullable<LocalServerOptions['device']>;
  readonly precision?: NonNullable<LocalServerOptions['precision']>;
  readonly memoryLimit?: number;
  readonly deterministic?: boolean;
  readonly apiKeyEnv?: string;
  readonly apiKeyFile?: string;
  readonly allowOrigin?: readonly string[];
  readonly dashboard?: boolean;
  readonly dashboardPort?: number;
}

/**
 * Serves until the process is asked to end; a second signal ends it at once.
 *
 * @throws UsageError for options that it does not take; TinkerError `invalid_config` where it can't start.
 */
export async function run(context: CommandContext, options: ServeOptions): Promise<void> {
  const serverOptions = readOptions(context, options);
  const logger = consoleLogger(context.quiet ? 'warn' : 'info');
  const { startLocalServer } = await import('../../local/index.js');
  const watched = options.dashboard === true || options.dashboardPort !== undefined;
  const happening = new Subject<ServerEvent>();
  const server = await startLocalServer({
    ...serverOptions,
    keepAlive: true,
    log: (level, message) => {
      logger[level](message);
    },
    ...(watched && {
      tell: (event: ServerEvent) => {
        happening.next(event);
      },
    }),
  });
  context.stdout.write(`listening on ${server.url}\n`);
  logger.info(`Computing with ${server.runtime}.`);
  const dashboard = watched ? await openDashboard(context, happening, server.url, options.dashboardPort) : undefined;
  if (!context.signal.aborted) await once(context.signal, 'abort');
  await dashboard?.close();
  await server.close();
}

async function openDashboard(
  { stdout }: CommandContext,
  events$: Subject<ServerEvent>,
  url: string,
  port = 0,
): Promise<Dashboard> {
  const { serveDashboard } = await import('../../dashboard/index.js');
  const hint = `No client has made a model yet. Point one at this server: TINKER_BASE_URL=${url}`;
  const dashboard = await serveDashboard({ sources: [{ events$ }], port, hint });
  stdout.write(`dashboard on ${dashboard.url}\n`);
  return dashboard;
}

function readOptions({ env }: CommandContext, options: ServeOptions): LocalServerOptions {
  const { host, port, dataDir, threads, device, precision, memoryLimit, deterministic } = options;
  const { baseModel: models, apiKeyEnv: names, apiKeyFile: file } = options;
  const apiKeys = [
    ...(names === undefined ? [] : readKeys(names, env)),
    ...(file === undefined ? [] : readKeyFile(file)),
  ];
  return {
    ...(models !== undefined && { baseModels: readBaseModels(models) }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(dataDir !== undefined && { dataDir }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
    ...(precision !== undefined && { precision }),
    ...(memoryLimit !== undefined && { memoryLimit: memoryLimit * 1e6 }),
    ...(deterministic !== undefined && { deterministic }),
    ...(apiKeys.length > 0 && { apiKeys }),
    ...(options.allowOrigin !== undefined && { allowedOrigins: options.allowOrigin }),
  };
}

/** The keys in environment variables whose names have commas between them. */
function readKeys(names: string, env: CommandContext['env']): string[] {
  return names.split(',').map((name) => {
    const key = env[name.trim()];
    if (key !== undefined && key !== '') return key;
    throw new TinkerError(
      'invalid_config',
      `Expected an API key in the environment variable ${name.trim()}, which is empty or not set. Set it, or leave --api-key-env out.`,
    );
  });
}

/** The keys in a file, one a line. */
function readKeyFile(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TinkerError('invalid_config', `Expected a file of API keys, but ${file} can't be read. Check its path.`, {
      cause,
    });
  }
  const keys = text.split('\n').flatMap((line) => line.trim() || []);
  if (keys.length > 0) return keys;
  throw new TinkerError('invalid_config', `Expected API keys in ${file}, one a line, got none. Add at least one.`);
}
