import { describe, TinkerError } from './errors.js';
import { logLevels, type LogLevel } from './log.js';

/** The hosted service. */
export const HOSTED_BASE_URL = 'https://tinker.thinkingmachines.dev/services/tinker-prod';

/** What a caller may set; what is missing or empty comes from the environment. */
export interface ConfigOptions {
  /** Else `TINKER_API_KEY`, else what `TINKER_CREDENTIAL_CMD` prints, else the key of `~/.tinker/credentials.json`. */
  readonly apiKey?: string | undefined;
  /** Else `TINKER_BASE_URL`, else the hosted service. */
  readonly baseUrl?: string | undefined;
  /** Else `TINKER_PROJECT_ID`. */
  readonly projectId?: string | undefined;
  /** Tags of the session; else `TINKER_TAGS`, a list with commas. */
  readonly tags?: readonly string[] | undefined;
  /** Else `TINKER_LOG`, else `warn`. */
  readonly logLevel?: LogLevel | undefined;
  /** Sends events to the server's operators; else `TINKER_TELEMETRY` is `1`, `true`, `yes` or `on`, else false. */
  readonly telemetry?: boolean | undefined;
}

/** A complete configuration. */
export interface ResolvedConfig {
  /** Missing where a server of one's own asks for none. */
  readonly apiKey?: string;
  /** A shell command that prints a key, from `TINKER_CREDENTIAL_CMD`. */
  readonly credentialCommand?: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly projectId?: string;
  readonly tags: readonly string[];
  readonly logLevel: LogLevel;
  readonly telemetry: boolean;
  /** Headers that every request carries, from `CLOUDFLARE_ACCESS_CLIENT_ID` and `…_SECRET`; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Completes options from the environment and checks them.
 *
 * @param storedKey looks up a key that was stored on this machine; asked where there is neither key nor command
 * @throws TinkerError `invalid_config` for a malformed URL or log level, and for the hosted service without a key or
 *   with one of the wrong form; no message holds a key
 */
export function resolveConfig(
  options: ConfigOptions = {},
  env: Environment = processEnvironment(),
  storedKey: (env: Environment) => string | undefined = () => undefined,
): ResolvedConfig {
  const baseUrl = readBaseUrl(given(options.baseUrl) ?? given(env.TINKER_BASE_URL) ?? HOSTED_BASE_URL);
  const credentialCommand = given(env.TINKER_CREDENTIAL_CMD);
  const givenKey = given(options.apiKey) ?? given(env.TINKER_API_KEY);
  const found = givenKey ?? (credentialCommand === undefined ? given(storedKey(env)) : undefined);
  const apiKey = checkKey(found, baseUrl, credentialCommand);
  const projectId = given(options.projectId) ?? given(env.TINKER_PROJECT_ID);
  return {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(credentialCommand === undefined ? {} : { credentialCommand }),
    baseUrl,
    ...(projectId === undefined ? {} : { projectId }),
    tags: options.tags ?? readTags(env.TINKER_TAGS),
    logLevel: options.logLevel ?? readLogLevel(given(env.TINKER_LOG)),
    telemetry: options.telemetry ?? /^(1|true|yes|on)$/i.test(env.TINKER_TELEMETRY ?? ''),
    headers: cloudflareHeaders(env),
  };
}

function given(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

function readBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TinkerError(
      'invalid_config',
      `Expected the base URL to start with http:// or https://, got ${describe(text)}. Check baseUrl or TINKER_BASE_URL.`,
    );
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new TinkerError(
      'invalid_config',
      `Expected the base URL to be a host and a path alone, got more than ${url.origin}${url.pathname}.`,
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

/** Whether a base URL is the hosted service's. */
export function isHosted(baseUrl: string): boolean {
  return new URL(baseUrl).host === new URL(HOSTED_BASE_URL).host;
}

/** The key that is to be used: for the hosted service, a command is preferred to a key of the wrong form. */
function checkKey(apiKey: string | undefined, baseUrl: string, command: string | undefined): string | undefined {
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TinkerError(
      'invalid_config',
      `Expected an API key without spaces and special signs, got one of ${apiKey.length} characters with some. ` +
        'Check TINKER_API_KEY or { apiKey }.',
    );
  }
  if (!isHosted(baseUrl) || apiKey?.startsWith('tml-') === true || apiKey?.startsWith('eyJ') === true) return apiKey;
  if (command !== undefined) return undefined;
  if (apiKey === undefined) {
    throw new TinkerError(
      'invalid_config',
      'Expected an API key for the hosted service, got none. Set TINKER_API_KEY or pass { apiKey }; for a server of ' +
        'your own set TINKER_BASE_URL or pass { baseUrl }.',
    );
  }
  throw new TinkerError(
    'invalid_config',
    `Expected an API key that starts with tml- (or a token that starts with eyJ), got another of ${apiKey.length} ` +
      'characters. Check TINKER_API_KEY or { apiKey }.',
  );
}

function readTags(list: string | undefined): readonly string[] {
  return (list ?? '')
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

function readLogLevel(text: string | undefined): LogLevel {
  if (text === undefined) return 'warn';
  const level = logLevels.find((name) => name === text.toLowerCase());
  if (level !== undefined) return level;
  throw new TinkerError(
    'invalid_config',
    `Expected TINKER_LOG to be one of ${logLevels.join(', ')}, got ${describe(text)}.`,
  );
}

function cloudflareHeaders(env: Environment): Record<string, string> {
  const id = given(env.CLOUDFLARE_ACCESS_CLIENT_ID);
  const secret = given(env.CLOUDFLARE_ACCESS_CLIENT_SECRET);
  if (id === undefined || secret === undefined) return {};
  return { 'cf-access-client-id': id, 'cf-access-client-secret': secret };
}

/** Browsers have no process. */
function processEnvironment(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}
