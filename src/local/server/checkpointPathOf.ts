import { formatCheckpointPath, parseCheckpointPath } from './checkpointPath.js';
import type { Call } from './route.js';

/** The checkpoint that a URL with `:run`, `:kind` and `:name` is about. @throws TinkerError with status 400. */
export function checkpointPathOf(call: Call): string {
  const path = `tinker://${call.param('run')}/${call.param('kind')}/${call.param('name')}`;
  return formatCheckpointPath(parseCheckpointPath(path));
}
