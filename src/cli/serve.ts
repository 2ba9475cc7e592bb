import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { TinkerError } from '../errors.js';
import type { LocalServerOptions } from '../local/index.js';
import { consoleLogger } from '../log.js';
import { UsageError } from './usageError.js';

/**
 * Serves until the process is asked to end (SIGINT, SIGTERM); a second signal ends it at once.
 *
 * @throws UsageError for options that it does not take; TinkerError `invalid_config` where it can't start.
 */
export async function serve(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const stopped = stopSignal();
  const logger = consoleLogger('info');
  // Loaded only now, so that help and wrong usage are answered at once.
  const { startLocalServer } = await import('../local/index.js');
  const server = await startLocalServer({
    ...options,
    keepAlive: true,
    log: (level, message) => {
      logger[level](message);
    },
  });
  process.stdout.write(`listening on ${server.url}\n`);
  logger.info(`Computing with ${server.runtime}.`);
  await stopped;
  await server.close();
}

function readOptions(args: readonly string[]): LocalServerOptions {
  const parsed = parse(args);
  const { host, port, 'data-dir': dataDir, threads, 'base-model': models } = parsed;
  const { 'api-key-env': names, 'api-key-file': file } = parsed;
  const apiKeys = [...(names === undefined ? [] : readKeys(names)), ...(file === undefined ? [] : readKeyFile(file))];
  return {
    ...(models !== undefined && { baseModels: Object.fromEntries(models.map(readModel)) }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: integer('--port', port, 0, 65_535) }),
    ...(dataDir !== undefined && { dataDir }),
    ...(threads !== undefined && { threads: integer('--threads', threads, 1, 256) }),
    ...(apiKeys.length > 0 && { apiKeys }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        'base-model': { type: 'string', multiple: true },
        threads: { type: 'string' },
        'api-key-env': { type: 'string' },
        'api-key-file': { type: 'string' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`Expected ${option} to be an integer from ${least} to ${most}, got ${JSON.stringify(text)}.`);
}

/** NAME=DIR as name and directory. */
function readModel(text: string): [string, string] {
  const [, name, directory] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && directory !== undefined) return [name, directory];
  throw new UsageError(`Expected --base-model to be NAME=DIR, got ${JSON.stringify(text)}.`);
}

/** The keys in environment variables whose names have commas between them. */
function readKeys(names: string): string[] {
  return names.split(',').map((name) => {
    const key = process.env[name.trim()];
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

/** Fulfilled at the first signal to end. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
        // A signal without a listener ends the process.
        process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
      });
    }
  });
}
