import { invalidArgument } from '../errors.js';
import { parseTinkerPath } from './tinkerPath.js';

/** Only what is the caller's own, or all that the caller may read. */
export type AccessScope = 'owned' | 'accessible';

/** The resource of a training run. @throws TinkerError `invalid_argument` for an empty id */
export function trainingRunPath(trainingRunId: string): string {
  return `/api/v1/training_runs/${segment('trainingRunId', trainingRunId)}`;
}

/** The resource of a checkpoint by its path. @throws TinkerError `invalid_argument` */
export function checkpointPath(path: string): string {
  const { trainingRunId, kind, name } = parseTinkerPath(path);
  return `${trainingRunPath(trainingRunId)}/checkpoints/${kind}/${encodeURIComponent(name)}`;
}

/** The resource of a session. @throws TinkerError `invalid_argument` for an empty id */
export function sessionPath(sessionId: string): string {
  return `/api/v1/sessions/${segment('sessionId', sessionId)}`;
}

/** An id as part of a path. @throws TinkerError `invalid_argument` for an empty one */
export function segment(name: string, id: string): string {
  if (typeof id !== 'string' || id === '') throw invalidArgument(`${name} to be an id`, id);
  return encodeURIComponent(id);
}
