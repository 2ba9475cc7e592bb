import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { openEnum, optional, withDefault } from './optional.js';
import { transform } from './transform.js';

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
export const cursorSchema = transform(
  z.object({ offset: z.int(), limit: z.int(), total_count: z.int() }),
  (cursor): Cursor => camelKeys(cursor),
);

/** JSON form of {@link Checkpoint}. */
export const checkpointSchema = transform(
  z.object({
    checkpoint_id: z.string(),
    checkpoint_type: openEnum('training', 'sampler', 'external'),
    time: z.string(),
    tinker_path: z.string(),
    size_bytes: optional(z.number()),
    public: withDefault(z.boolean(), false),
    user_metadata: optional(z.record(z.string(), z.unknown())),
    expires_at: optional(z.string()),
  }),
  (checkpoint): Checkpoint => camelKeys(checkpoint),
);

/** JSON form of {@link CheckpointList}. */
export const checkpointListSchema = transform(
  z.object({ checkpoints: z.array(checkpointSchema), cursor: optional(cursorSchema) }),
  (list): CheckpointList => camelKeys(list),
);
