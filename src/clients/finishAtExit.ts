import { EMPTY, type Observable, from, mergeMap } from 'rxjs';
import type { SessionEnd } from './session.js';

/** What the server is told of when the process ends. */
interface Unfinished {
  finish(reason: SessionEnd): Observable<never>;
}

const unfinished = new Set<Unfinished>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Finishes a session when the process has nothing left to do, or is ended by a signal that the program does not listen
 * for itself; then the signal does what it always does. Gives what forgets the session again.
 *
 * A process that ends by `process.exit()` or an error can't wait for an answer: there the server notices by silence.
 */
export function finishAtExit(session: Unfinished): () => void {
  if (!isNode()) return () => undefined;
  if (unfinished.size === 0) {
    process.on('beforeExit', finishAll);
    for (const signal of signals) process.on(signal, onSignal);
  }
  unfinished.add(session);
  return () => {
    if (unfinished.delete(session) && unfinished.size === 0) stopListening();
  };
}

function finishAll(): void {
  finished('success').subscribe();
}

function onSignal(signal: NodeJS.Signals): void {
  // A program that listens itself may want to save first; it ends when it says so.
  if (process.listenerCount(signal) > 1) return;
  const raise = (): void => {
    process.kill(process.pid, signal);
  };
  const ending = finished('interrupted');
  // A second signal is not waited for.
  stopListening();
  ending.subscribe({ complete: raise, error: raise });
}

function finished(reason: SessionEnd): Observable<never> {
  const sessions = [...unfinished];
  return sessions.length === 0 ? EMPTY : from(sessions).pipe(mergeMap((session) => session.finish(reason)));
}

function stopListening(): void {
  process.off('beforeExit', finishAll);
  for (const signal of signals) process.off(signal, onSignal);
}

function isNode(): boolean {
  return typeof process === 'object' && typeof process.kill === 'function';
}
