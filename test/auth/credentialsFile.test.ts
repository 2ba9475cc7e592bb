import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  credentialsFile,
  readCredentials,
  type StoredCredentials,
  storedKey,
  writeCredentials,
} from '../../src/auth/credentialsFile.js';

function home(): { HOME: string; file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'credentials-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return { HOME: directory, file: join(directory, '.tinker', 'credentials.json') };
}

const stored: StoredCredentials = {
  version: 1,
  default: 'a',
  keys: {
    a: { type: 'manual', key: 'tml-a', name: 'mine' },
    b: {
      type: 'generated',
      key: 'tml-b',
      name: 'theirs',
      details: { org_details: { name: 'o' }, user_details: { email: 'e' } },
    },
  },
};

describe('the credentials file', () => {
  it('is in the home directory', () => {
    expect(credentialsFile({ HOME: '/us' })).toBe('/us/.tinker/credentials.json');
    expect(credentialsFile({ USERPROFILE: '/us' })).toBe('/us/.tinker/credentials.json');
    expect(credentialsFile({})).toBeUndefined();
    expect(storedKey({})).toBeUndefined();
  });

  it('keeps what was written, for its owner alone, and leaves nothing else behind', () => {
    const { HOME, file } = home();
    expect(storedKey({ HOME })).toBeUndefined();
    writeCredentials(file, stored);
    writeCredentials(file, { ...stored, default: 'b' });
    expect(readCredentials(file)).toEqual({ ...stored, default: 'b' });
    expect(storedKey({ HOME })).toBe('tml-b');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(file))).toEqual(['credentials.json']);
  });

  it('replaces a file that others could read by one that they can not', () => {
    const { file } = home();
    mkdirSync(dirname(file));
    writeFileSync(file, JSON.stringify(stored), { mode: 0o644 });
    chmodSync(file, 0o644);
    writeCredentials(file, readCredentials(file));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('has no default key where none is set, or the set one is gone', () => {
    const { HOME, file } = home();
    writeCredentials(file, { ...stored, default: null });
    expect(storedKey({ HOME })).toBeUndefined();
    writeCredentials(file, { ...stored, default: 'gone' });
    expect(storedKey({ HOME })).toBeUndefined();
  });

  it.each([
    ['tml-secret', 'it is no JSON'],
    ['{"version":2,"keys":{}}', 'wrong at version'],
    ['{"version":1,"keys":{"tml-secret":{"key":1}}}', 'wrong at keys.<id>.type'],
  ])('that is malformed is refused without showing it: %s', (content, why) => {
    const { HOME, file } = home();
    mkdirSync(dirname(file));
    writeFileSync(file, content);
    const attempt = (): unknown => storedKey({ HOME });
    expect(attempt).toThrow(why);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_config' }) as Error);
    expect(attempt).not.toThrow(/tml-secret/);
  });
});
