import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { writeCredentials } from '../../src/auth/credentialsFile.js';
import { RestClient } from '../../src/clients/rest.js';
import { ServiceClient } from '../../src/clients/service.js';
import { TinkerError } from '../../src/errors.js';
import type { Logger } from '../../src/log.js';
import { recordTransport } from '../../src/testing/index.js';
import { undiciTransport } from '../../src/transport/undiciTransport.js';
import { ModelInput } from '../../src/wire/index.js';
import { type StubAnswer, type StubRequest, stubServer } from '../clients/support/stubServer.js';
import { token } from './tokens.js';

const now = Math.floor(Date.now() / 1000);
const issued = (id: number, left = 3_600): string =>
  token({ jti: id, sub: 'tml:user:1', org_id: 'o', email: 'a@b', iat: now, exp: now + left });

const nameOf = ({ line }: StubRequest): string => line.replace(/\?.*/, '').replace(/.*\/api\/v1\//, '');
const keysOf = (requests: readonly StubRequest[]): [string, unknown][] =>
  requests.map((request) => [nameOf(request), request.headers['x-api-key']]);

/** A server that exchanges keys for the tokens 0, 1, 2 …, and takes the latest alone. */
async function exchangingServer(
  flags: object = {},
  answer: (request: StubRequest) => StubAnswer | undefined = () => undefined,
): Promise<{ url: string; requests: StubRequest[]; revoke: () => void }> {
  let latest = -1;
  const { url, requests } = await stubServer((request) => {
    const given = answer(request);
    if (given !== undefined) return given;
    const name = nameOf(request);
    if (name === 'client/config') return { json: { pjwt_auth_enabled: true, ...flags } };
    if (name === 'auth/token') return { json: { jwt: issued(++latest) } };
    if (request.headers['x-api-key'] === issued(latest)) return { json: { sessions: ['s'] } };
    return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, json: { detail: 'old' } };
  });
  return { url, requests, revoke: () => (latest += 1) };
}

function restOn(options: ConstructorParameters<typeof RestClient>[0]): RestClient {
  const rest = new RestClient(options);
  onTestFinished(() => rest.close());
  return rest;
}

const sessions = (rest: RestClient): Promise<string[]> => lastValueFrom(rest.listSessions().pipe(toArray()));

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the key of a request', () => {
  it('is the caller’s own where the server exchanges none', async () => {
    const { url, requests } = await stubServer(() => ({ json: { sessions: [] } }));
    await sessions(restOn({ baseUrl: url, apiKey: 'tml-own' }));
    expect(keysOf(requests)).toEqual([
      ['client/config', 'tml-own'],
      ['sessions', 'tml-own'],
    ]);
  });

  it('is a token where the server exchanges it, one for all requests', async () => {
    const { url, requests } = await exchangingServer();
    const rest = restOn({ baseUrl: url, apiKey: 'tml-own' });
    await Promise.all([sessions(rest), sessions(rest)]);
    await sessions(rest);
    expect(keysOf(requests)).toEqual([
      ['client/config', 'tml-own'],
      ['auth/token', 'tml-own'],
      ['sessions', issued(0)],
      ['sessions', issued(0)],
      ['sessions', issued(0)],
    ]);
  });

  it('is replaced once when the server calls the token invalid, and the request is sent again', async () => {
    const { url, requests, revoke } = await exchangingServer();
    const rest = restOn({ baseUrl: url, apiKey: 'tml-own' });
    await sessions(rest);
    revoke();
    expect(await sessions(rest)).toEqual(['s']);
    expect(keysOf(requests).slice(3)).toEqual([
      ['sessions', issued(0)],
      ['auth/token', 'tml-own'],
      ['sessions', issued(2)],
    ]);
    const [rejected, , replayed] = requests.slice(3);
    expect(replayed?.headers['x-idempotency-key']).toBe(rejected?.headers['x-idempotency-key']);
  });

  it('is not replaced twice for one request', async () => {
    const invalid = { status: 401, headers: { 'www-authenticate': 'error="invalid_token"' }, json: { detail: 'no' } };
    const { url, requests } = await exchangingServer({}, (request) =>
      nameOf(request) === 'sessions' ? invalid : undefined,
    );
    const rest = restOn({ baseUrl: url, apiKey: 'tml-own' });
    await expect(sessions(rest)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(requests.map(nameOf)).toEqual(['client/config', 'auth/token', 'sessions', 'auth/token', 'sessions']);
  });

  it('of the caller’s own is not replaced, and its refusal says so', async () => {
    const { url, requests } = await stubServer((request) =>
      nameOf(request) === 'sessions'
        ? { status: 401, headers: { 'www-authenticate': 'error="invalid_token"' }, json: { detail: 'unknown key' } }
        : {},
    );
    const rest = restOn({ baseUrl: url, apiKey: 'tml-own' });
    await expect(sessions(rest)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(requests).toHaveLength(2);
  });

  it('is none where there is none, and the server’s flags are not asked for', async () => {
    const { url, requests } = await stubServer(() => ({ json: { sessions: [] } }));
    vi.stubEnv('TINKER_API_KEY', '');
    vi.stubEnv('HOME', tmpdir());
    await sessions(restOn({ baseUrl: url }));
    expect(keysOf(requests)).toEqual([['sessions', undefined]]);
  });
});

describe('the order of keys', () => {
  function homeWith(key: string): void {
    const home = mkdtempSync(join(tmpdir(), 'home-'));
    onTestFinished(() => {
      rmSync(home, { recursive: true });
    });
    vi.stubEnv('HOME', home);
    writeCredentials(join(home, '.tinker', 'credentials.json'), {
      version: 1,
      default: 'id',
      keys: { id: { type: 'manual', key, name: 'mine' } },
    });
  }

  it.each([
    ['the argument', { apiKey: 'tml-argument', env: 'tml-env', command: 'echo tml-command' }, 'tml-argument'],
    ['TINKER_API_KEY', { env: 'tml-env', command: 'echo tml-command' }, 'tml-env'],
    ['TINKER_CREDENTIAL_CMD', { command: 'echo tml-command' }, 'tml-command'],
    ['the credentials file', {}, 'tml-stored'],
  ])('%s', async (_, { apiKey, env = '', command = '' }: { apiKey?: string; env?: string; command?: string }, key) => {
    homeWith('tml-stored');
    vi.stubEnv('TINKER_API_KEY', env);
    vi.stubEnv('TINKER_CREDENTIAL_CMD', command);
    const { url, requests } = await exchangingServer();
    await sessions(restOn({ baseUrl: url, apiKey }));
    expect(keysOf(requests).slice(0, 2)).toEqual([
      ['client/config', key],
      ['auth/token', key],
    ]);
  });

  it('puts the command first where the server asks for it, but a token of the caller before that', async () => {
    vi.stubEnv('TINKER_CREDENTIAL_CMD', 'echo tml-command');
    const { url, requests } = await exchangingServer({ credential_default_source: 'credential_cmd' });
    await sessions(restOn({ baseUrl: url, apiKey: 'tml-own' }));
    await sessions(restOn({ baseUrl: url, apiKey: issued(77) }));
    expect(keysOf(requests).filter(([name]) => name === 'auth/token')).toEqual([
      ['auth/token', 'tml-command'],
      ['auth/token', issued(77)],
    ]);
  });

  it('refuses a command alone where the server exchanges no keys, and none where it asks for one', async () => {
    vi.stubEnv('TINKER_CREDENTIAL_CMD', 'echo tml-command');
    const plain = await stubServer(() => ({}));
    const refused = expect(sessions(restOn({ baseUrl: plain.url }))).rejects;
    await refused.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('API keys alone') as string,
    });
    vi.stubEnv('TINKER_CREDENTIAL_CMD', '');
    const { url } = await exchangingServer({ credential_default_source: 'credential_cmd' });
    await expect(sessions(restOn({ baseUrl: url, apiKey: 'tml-own' }))).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('TINKER_CREDENTIAL_CMD') as string,
    });
  });

  it('refuses a token of the hosted service that does not say when it ends, and sends none that has ended', async () => {
    const attempt = (): RestClient => new RestClient({ apiKey: 'eyJabc' });
    expect(attempt).toThrow('says when it ends');
    expect(attempt).not.toThrow(/abc/);
    const { url, requests } = await stubServer(() => ({}));
    await expect(sessions(restOn({ baseUrl: url, apiKey: issued(0, -1) }))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    expect(requests).toEqual([]);
  });
});

describe('whoami', () => {
  const me = { userUrn: 'tml:user:1', orgUrn: 'tml:organization:o', email: 'a@b' };

  it('reads the token that the server gave', async () => {
    const { url, requests } = await exchangingServer();
    expect(await restOn({ baseUrl: url, apiKey: 'tml-own' }).whoami().result()).toEqual(me);
    expect(requests.map(nameOf)).toEqual(['client/config', 'auth/token']);
  });

  it('reads the caller’s own token', async () => {
    const { url } = await stubServer(() => ({}));
    const apiKey = token({ iss: 'passport-1', sub: 'tml:user:1', org_id: 'o', email: 'a@b', exp: now + 60 });
    expect(await restOn({ baseUrl: url, apiKey }).whoami().result()).toEqual(me);
  });

  it('needs a token', async () => {
    const { url } = await stubServer(() => ({}));
    const unknown = { code: 'unauthenticated' };
    await expect(restOn({ baseUrl: url, apiKey: 'tml-own' }).whoami().result()).rejects.toMatchObject(unknown);
    await expect(
      restOn({ baseUrl: url, apiKey: issued(0) })
        .whoami()
        .result(),
    ).rejects.toMatchObject(unknown);
  });
});

describe('a server that repeats every key it gets', () => {
  it('gets none of them into a log, an error, an event or a file', async () => {
    const echo = ({ headers }: StubRequest): string => `you sent ${String(headers['x-api-key'])}`;
    const models: Readonly<Record<string, (request: StubRequest) => StubAnswer>> = {
      create_session: (request) => ({ json: { session_id: 's', warning_message: echo(request) } }),
      create_model: () => ({ json: { request_id: 'model' } }),
      get_info: () => ({ json: { model_id: 'run', model_data: { model_name: 'base' } } }),
      forward_backward: (request) => ({ status: 400, json: { detail: echo(request) } }),
      optim_step: () => ({ json: { request_id: 'step' } }),
      retrieve_future: (request) =>
        (request.body as { request_id: string }).request_id === 'model'
          ? { json: { model_id: 'run' } }
          : { json: { error: echo(request), category: 'server' } },
      session_heartbeat: (request) => ({ status: 403, json: { detail: echo(request) } }),
      sessions: (request) => ({ status: 403, headers: { 'x-deprecation-note': echo(request) }, json: echo(request) }),
    };
    const { url } = await exchangingServer({}, (request) => models[nameOf(request)]?.(request));
    const lines: string[] = [];
    const write = (message: string): void => {
      lines.push(message);
    };
    const log: Logger = { debug: write, info: write, warn: write, error: write };
    const directory = mkdtempSync(join(tmpdir(), 'recording-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true });
    });
    const file = join(directory, 'session.jsonl');
    const transport = recordTransport(file, undiciTransport({ baseUrl: url }));
    const service = new ServiceClient({
      baseUrl: url,
      apiKey: 'tml-very-own',
      log,
      transport,
      heartbeatIntervalMs: 20,
    });
    const errors: unknown[] = [];
    const events: unknown[] = [];
    const training = await service.createLoraTrainingClient({ baseModel: 'base' }).result();
    training.events$.subscribe((event) => events.push(event));
    training.queueState$.subscribe((state) => events.push(state));
    const fail = (result: Promise<unknown>): Promise<unknown> => result.catch((error: unknown) => errors.push(error));
    await fail(training.forwardBackward([{ modelInput: ModelInput.fromTokens([1, 2]) }], 'cross_entropy').result());
    await fail(training.optimStep().result());
    await fail(sessions(service.rest));
    await new Promise((resolve) => setTimeout(resolve, 60));
    await service.close();
    const shown = [inspect([errors, events], { depth: 20 }), ...lines, readFileSync(file, 'utf8')].join('\n');
    expect(errors).toHaveLength(3);
    expect(errors.every((error) => error instanceof TinkerError)).toBe(true);
    expect(lines.some((line) => line.includes('you sent [secret]'))).toBe(true);
    expect(shown).toContain('you sent');
    expect(shown).not.toContain('tml-very-own');
    expect(shown).not.toContain('eyJ');
  });
});

describe('a credential command', () => {
  it('is run anew for each exchange', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'command-'));
    onTestFinished(() => {
      rmSync(directory, { recursive: true });
    });
    const script = join(directory, 'key.sh');
    const count = join(directory, 'count');
    writeFileSync(script, `#!/bin/sh\necho x >> ${count}\necho tml-$(wc -l < ${count} | tr -d ' ')\n`);
    chmodSync(script, 0o700);
    vi.stubEnv('TINKER_API_KEY', '');
    vi.stubEnv('TINKER_CREDENTIAL_CMD', script);
    const { url, requests, revoke } = await exchangingServer();
    const rest = restOn({ baseUrl: url });
    await sessions(rest);
    revoke();
    await sessions(rest);
    expect(keysOf(requests).filter(([name]) => name !== 'sessions')).toEqual([
      ['client/config', 'tml-1'],
      ['auth/token', 'tml-2'],
      ['auth/token', 'tml-3'],
    ]);
  });
});
