import { type Observable, type SchedulerLike, defer, map, of } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Secrets } from '../transport/secrets.js';
import { isJwt, jwtExpiry } from './jwt.js';
import { runCommand } from './runCommand.js';

/** A key that stays the same; one that is an expired token errors with `unauthenticated` before it is sent. */
export function staticKey(key: string, scheduler: SchedulerLike): Observable<string> {
  return defer(() => {
    if (hasExpired(key, scheduler)) {
      throw new TinkerError(
        'unauthenticated',
        'The API key is a token that has expired. Pass a fresh one, or remove it and set TINKER_CREDENTIAL_CMD to a ' +
          'command that prints one.',
      );
    }
    return of(key);
  });
}

/** A key that a command prints anew at each subscription. Errors with `unauthenticated` where it prints none that is good. */
export function commandKey(command: string, scheduler: SchedulerLike, secrets: Secrets): Observable<string> {
  const failed = (what: string): TinkerError =>
    new TinkerError('unauthenticated', `Expected TINKER_CREDENTIAL_CMD to print a key, got ${what}.`);
  return runCommand(command).pipe(
    map((output) => {
      const key = output.trim();
      if (key === '') throw failed('nothing');
      secrets.add(key);
      if (!/^[\x21-\x7e]+$/.test(key)) throw failed('several words, or signs that no key has');
      if (hasExpired(key, scheduler)) throw failed('a token that has expired');
      return key;
    }),
  );
}

function hasExpired(key: string, scheduler: SchedulerLike): boolean {
  const expiry = isJwt(key) ? jwtExpiry(key) : undefined;
  return expiry !== undefined && scheduler.now() >= expiry;
}
