import { checkpointKinds, type CheckpointKind } from './checkpointKind.js';
import { refusal } from './refusal.js';

const nameForm = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}$/;
const pathForm = /^tinker:\/\/([^/]+)\/([^/]+)\/([^/]+)$/;

/** The parts of `tinker://<run>/<kind>/<name>`. */
export interface CheckpointPath {
  readonly runId: string;
  readonly kind: CheckpointKind;
  readonly name: string;
}

/** Writes a path from its parts. */
export function formatCheckpointPath({ runId, kind, name }: CheckpointPath): string {
  return `tinker://${runId}/${kind}/${name}`;
}

/** @throws TinkerError with status 400 when the text is no path of a checkpoint. */
export function parseCheckpointPath(text: string): CheckpointPath {
  const [, runId, segment, name] = pathForm.exec(text) ?? [];
  const kind = checkpointKinds.find((known) => known === segment);
  if (runId === undefined || name === undefined || kind === undefined) {
    throw refusal(
      400,
      `Expected a path tinker://<run>/weights/<name>, tinker://<run>/sampler_weights/<name> or tinker://<run>/external_weights/<name>, got ${JSON.stringify(text)}.`,
    );
  }
  return { runId, kind, name };
}

/** @throws TinkerError with status 400 when a checkpoint can't have this name. */
export function checkCheckpointName(name: string): void {
  if (nameForm.test(name)) return;
  throw refusal(
    400,
    `Expected a checkpoint name of 1 to 80 letters, digits, "_", "-" and "." that does not start with ".", got ${JSON.stringify(name)}.`,
  );
}
