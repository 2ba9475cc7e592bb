import { Observable } from 'rxjs';
import { TinkerError } from '../errors.js';

/**
 * Runs a command in the shell at each subscription and emits what it prints; unsubscribing ends it.
 *
 * Errors with `unauthenticated`, and with `invalid_config` where there are no commands, as in a browser. No error holds
 * what the command printed.
 */
export function runCommand(command: string): Observable<string> {
  return new Observable((subscriber) => {
    if (typeof process === 'undefined') {
      subscriber.error(new TinkerError('invalid_config', 'TINKER_CREDENTIAL_CMD needs Node; pass { apiKey } instead.'));
      return undefined;
    }
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    const fail = (how: string): void => {
      const message = `TINKER_CREDENTIAL_CMD ${how}. Run it by hand to see why.`;
      subscriber.error(new TinkerError('unauthenticated', message));
    };
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => fail(`could not be started: ${error.message}`));
    child.on('close', (status, signal) => {
      if (status !== 0) {
        fail(signal === null ? `ended with status ${String(status)}` : `was ended by ${signal}`);
        return;
      }
      subscriber.next(Buffer.concat(chunks).toString('utf8'));
      subscriber.complete();
    });
    return () => child.kill();
  });
}
