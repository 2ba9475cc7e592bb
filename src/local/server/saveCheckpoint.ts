import type { CheckpointKind } from './checkpointKind.js';
import { checkCheckpointName, formatCheckpointPath, type CheckpointPath } from './checkpointPath.js';
import type { Model } from './model.js';
import { refusal } from './refusal.js';
import type { ServerState } from './serverState.js';

/** What a client asks to save. */
export interface SaveOptions {
  readonly kind: CheckpointKind;
  /** Missing: `seq-<seqId>`. */
  readonly name: string | undefined;
  readonly seqId: number;
  readonly overwrite: boolean;
  readonly ttlSeconds: number | undefined;
  readonly userMetadata: Readonly<Record<string, unknown>> | undefined;
}

/** A save that holds its name until it is settled. */
export interface PreparedSave {
  /** Gives the checkpoint's path. */
  readonly save: () => Promise<string>;
  readonly settled: () => void;
}

/**
 * Claims a checkpoint's name for a model, until `settled` is called.
 *
 * @throws TinkerError with status 400 for a name that can't be, 409 for one that is taken.
 */
export function saveCheckpoint(state: ServerState, model: Model, options: SaveOptions): PreparedSave {
  const name = options.name ?? `seq-${options.seqId}`;
  checkCheckpointName(name);
  const path: CheckpointPath = { runId: model.id, kind: options.kind, name };
  const text = formatCheckpointPath(path);
  if (!options.overwrite && (state.checkpoints.has(text) || state.checkpoints.isReserved(text))) {
    throw refusal(
      409,
      `Checkpoint ${text} already exists. Choose another name${options.kind === 'weights' ? ', set overwrite,' : ''} or delete it first.`,
    );
  }
  state.checkpoints.reserve(text);
  return {
    save: async () => {
      const saved = await state.engine.saveState(model.id, { optimizer: options.kind === 'weights' });
      await state.checkpoints.save(
        {
          path,
          baseModel: model.base.name,
          lora: model.lora,
          ...(options.ttlSeconds === undefined ? {} : { ttlSeconds: options.ttlSeconds }),
          ...(options.userMetadata === undefined ? {} : { userMetadata: options.userMetadata }),
        },
        saved,
      );
      return text;
    },
    settled: () => {
      state.checkpoints.release(text);
    },
  };
}
