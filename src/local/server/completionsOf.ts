import { CompletionLog } from './completionLog.js';
import { findSampler } from './createSampler.js';
import type { ServerState } from './serverState.js';

/**
 * The log of one client's samples; it outlives the sampling session, whose last samples may still run.
 *
 * @throws TinkerError with status 404 where there is no such sampling session.
 */
export function completionsOf(state: ServerState, samplerId: string, clone: number): CompletionLog {
  const key = `${samplerId} ${clone}`;
  const known = state.completions.get(key);
  if (known !== undefined) return known;
  findSampler(state, samplerId);
  const log = new CompletionLog();
  state.completions.set(key, log);
  return log;
}
