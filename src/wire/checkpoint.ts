import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { openEnum, optional, withDefault } from './optional.js';

/** A saved checkpoint as servers list it. */
export interface Checkpoint {
  readonly checkpointId: string;
  readonly checkpointType: 'training' | 'sampler' | 'external' | 'unknown';
  /** ISO 8601. */
  readonly time: string;
  readonly tinkerPath: string;
  readonly sizeBytes?: number;
  readonly public: boolean;
  readonly userMetadata?: Readonly<Record<string, unknown>>;
  readonly expiresAt?: string;
}

/** Where a page of a listing stands. */
export interface Cursor {
  readonly offset: number;
  readonly limit: number;
  readonly totalCount: number;
}

/** A page of checkpoints. */
export interface CheckpointList {
  readonly checkpoints: readonly Checkpoint[];
  readonly cursor?: Cursor;
}

/** JSON form of {@link Cursor}. */
export const cursorSchema = s.transform(
  s.object({ offset: s.int(), limit: s.int(), total_count: s.int() }),
  (cursor): Cursor => camelKeys(cursor),
);

/** JSON form of {@link Checkpoint}. */
export const checkpointSchema = s.transform(
  s.object({
    checkpoint_id: s.string(),
    checkpoint_type: openEnum('training', 'sampler', 'external'),
    time: s.string(),
    tinker_path: s.string(),
    size_bytes: optional(s.number()),
    public: withDefault(s.boolean(), false),
    user_metadata: optional(s.record(s.unknown())),
    expires_at: optional(s.string()),
  }),
  (checkpoint): Checkpoint => camelKeys(checkpoint),
);

/** JSON form of {@link CheckpointList}. */
export const checkpointListSchema = s.transform(
  s.object({ checkpoints: s.array(checkpointSchema), cursor: optional(cursorSchema) }),
  (list): CheckpointList => camelKeys(list),
);
