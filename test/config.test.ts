import { describe, expect, it } from 'vitest';
import { HOSTED_BASE_URL, resolveConfig } from '../src/config.js';

describe('resolveConfig', () => {
  it('means the hosted service by default', () => {
    expect(resolveConfig({ apiKey: 'tml-a' }, {})).toEqual({
      apiKey: 'tml-a',
      baseUrl: HOSTED_BASE_URL,
      tags: [],
      logLevel: 'warn',
      headers: {},
      telemetry: false,
    });
  });

  it('takes what is missing or empty from the environment', () => {
    const env = {
      TINKER_API_KEY: 'eyJb',
      TINKER_BASE_URL: 'http://localhost:8000/x/',
      TINKER_PROJECT_ID: 'p',
      TINKER_TAGS: 'a, b,,',
      TINKER_LOG: 'DEBUG',
      CLOUDFLARE_ACCESS_CLIENT_ID: 'id',
      CLOUDFLARE_ACCESS_CLIENT_SECRET: 'secret',
    };
    expect(resolveConfig({ apiKey: '', baseUrl: ' ' }, env)).toEqual({
      apiKey: 'eyJb',
      baseUrl: 'http://localhost:8000/x',
      projectId: 'p',
      tags: ['a', 'b'],
      logLevel: 'debug',
      headers: { 'cf-access-client-id': 'id', 'cf-access-client-secret': 'secret' },
      telemetry: false,
    });
  });

  it('prefers the options', () => {
    const env = { TINKER_API_KEY: 'tml-env', TINKER_BASE_URL: 'http://env', TINKER_TAGS: 'a', TINKER_LOG: 'info' };
    const options = {
      apiKey: 'tml-b',
      baseUrl: 'https://host//',
      projectId: 'q',
      tags: ['t'],
      logLevel: 'error',
    } as const;
    expect(resolveConfig(options, env)).toEqual({ ...options, baseUrl: 'https://host', headers: {}, telemetry: false });
  });

  it('needs no key for a server of one’s own, and takes any', () => {
    expect(resolveConfig({ baseUrl: 'https://skyrl.example' }, {})).not.toHaveProperty('apiKey');
    expect(resolveConfig({ baseUrl: 'http://127.0.0.1:1', apiKey: 'dummy' }, {}).apiKey).toBe('dummy');
  });

  it('refuses the hosted service without a key', () => {
    expect(() => resolveConfig({}, {})).toThrow('Expected an API key for the hosted service, got none.');
    expect(() => resolveConfig({}, { TINKER_API_KEY: ' ' })).toThrow('got none');
    expect(() => resolveConfig({ baseUrl: `${HOSTED_BASE_URL}/` }, {})).toThrow('got none');
  });

  it('refuses a key of the wrong form there, without showing it', () => {
    const attempt = () => resolveConfig({ apiKey: 'sk-verysecret' }, {});
    expect(attempt).toThrow(
      'Expected an API key that starts with tml- (or a token that starts with eyJ), got another of 13',
    );
    expect(attempt).not.toThrow(/verysecret/);
  });

  it('looks for a stored key where there is neither a key nor a command', () => {
    const stored = (): string => 'tml-stored';
    expect(resolveConfig({}, {}, stored).apiKey).toBe('tml-stored');
    expect(resolveConfig({}, { TINKER_API_KEY: 'tml-env' }, stored).apiKey).toBe('tml-env');
    const command = resolveConfig({}, { TINKER_CREDENTIAL_CMD: 'print-key' }, stored);
    expect(command).toMatchObject({ credentialCommand: 'print-key' });
    expect(command).not.toHaveProperty('apiKey');
  });

  it('prefers a command to a key of the wrong form for the hosted service alone', () => {
    const env = { TINKER_API_KEY: 'sk-1', TINKER_CREDENTIAL_CMD: 'print-key' };
    expect(resolveConfig({}, env)).not.toHaveProperty('apiKey');
    expect(resolveConfig({ baseUrl: 'http://x' }, env)).toMatchObject({ apiKey: 'sk-1' });
  });

  it('refuses a key that no header can carry, without showing it', () => {
    const attempt = () => resolveConfig({ baseUrl: 'http://x', apiKey: 'tml-very\nsecret' }, {});
    expect(attempt).toThrow('without spaces and special signs');
    expect(attempt).not.toThrow(/very/);
  });

  it.each([
    'localhost:8000',
    'ftp://x',
    '/api',
    'http://',
    'http://u:secret@host',
    'http://host/?a=1',
    'http://host/#a',
  ])('refuses %s as a base URL', (baseUrl) => {
    const attempt = () => resolveConfig({ baseUrl, apiKey: 'tml-a' }, {});
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    expect(attempt).not.toThrow(/secret/);
  });

  it.each([
    [undefined, false],
    ['1', true],
    ['Yes', true],
    ['0', false],
    ['2', false],
  ])('reads TINKER_TELEMETRY=%s as %s, and prefers the option', (text, telemetry) => {
    const env = { TINKER_BASE_URL: 'http://x', TINKER_TELEMETRY: text };
    expect(resolveConfig({}, env).telemetry).toBe(telemetry);
    expect(resolveConfig({ telemetry: !telemetry }, env).telemetry).toBe(!telemetry);
  });

  it('refuses an unknown log level', () => {
    expect(() => resolveConfig({ baseUrl: 'http://x' }, { TINKER_LOG: 'loud' })).toThrow(
      'Expected TINKER_LOG to be one of debug, info, warn, error, silent, got "loud".',
    );
  });
});
