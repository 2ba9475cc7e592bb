import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { commandKey, staticKey } from '../../src/auth/keySources.js';
import type { TinkerError } from '../../src/errors.js';
import { Secrets } from '../../src/transport/secrets.js';
import { token } from './tokens.js';

/** A scheduler that stands at a time, in seconds since 1970. */
function at(seconds: number): TestScheduler {
  const scheduler = new TestScheduler(() => undefined);
  scheduler.now = () => seconds * 1000;
  return scheduler;
}

const failure = (key: Promise<unknown>): Promise<TinkerError> =>
  key.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as TinkerError,
  );

describe('a static key', () => {
  it('is given until it ends', async () => {
    const key = token({ exp: 100 });
    expect(await firstValueFrom(staticKey(key, at(99)))).toBe(key);
    const error = await failure(firstValueFrom(staticKey(key, at(100))));
    expect(error).toMatchObject({ code: 'unauthenticated', retryable: false });
    expect(error.message).not.toContain(key);
  });
});

describe('the key of a command', () => {
  const print = (text: string): string => `${JSON.stringify(process.execPath)} -e ${JSON.stringify(text)}`;
  const keyOf = (command: string, seconds = 0, secrets = new Secrets()): Promise<string> =>
    firstValueFrom(commandKey(command, at(seconds), secrets));

  it('is what it prints, without spaces around it, and is kept secret', async () => {
    const secrets = new Secrets();
    expect(await keyOf('echo "  tml-printed "', 0, secrets)).toBe('tml-printed');
    expect(secrets.redact('tml-printed')).toBe('[secret]');
  });

  it('is asked for anew at each subscription', async () => {
    const key = commandKey(print('console.log(process.hrtime.bigint())'), at(0), new Secrets());
    expect(await firstValueFrom(key)).not.toBe(await firstValueFrom(key));
  });

  it.each([
    ['true', 'got nothing'],
    ['echo tml-secret other', 'got several words'],
    ['echo tml-secret; exit 3', 'ended with status 3'],
    [`echo ${token({ exp: 5, name: 'tml-secret' })}`, 'a token that has expired'],
  ])('is refused, without showing it: %s', async (command, why) => {
    const error = await failure(keyOf(command, 10));
    expect(error).toMatchObject({ code: 'unauthenticated', retryable: false });
    expect(error.message).toContain(why);
    expect(error.message).not.toMatch(/tml-secret|eyJ/);
  });

  it('is not waited for when its subscriber leaves: the command is ended', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'command-'));
    const mark = join(directory, 'mark');
    const command = `sleep 0.2; touch ${JSON.stringify(mark)}`;
    commandKey(command, at(0), new Secrets()).subscribe().unsubscribe();
    await delay(600);
    expect(existsSync(mark)).toBe(false);
    rmSync(directory, { recursive: true });
  });
});
