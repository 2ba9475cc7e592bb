import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { type Checkpoint, type Cursor, checkpointSchema, cursorSchema } from './checkpoint.js';
import { optional, withDefault } from './optional.js';
import { transform } from './transform.js';

/** A model as servers keep it in their lists, loaded or not. */
export interface TrainingRun {
  readonly trainingRunId: string;
  readonly baseModel: string;
  readonly modelOwner: string;
  readonly isLora: boolean;
  /** Whether the server says that it can't be used any more. */
  readonly corrupted: boolean;
  readonly loraRank?: number;
  /** ISO 8601. */
  readonly lastRequestTime: string;
  /** The latest saved training state. */
  readonly lastCheckpoint?: Checkpoint;
  /** The latest weights saved for sampling. */
  readonly lastSamplerCheckpoint?: Checkpoint;
  readonly userMetadata?: Readonly<Record<string, unknown>>;
}

/** A page of training runs. */
export interface TrainingRunList {
  readonly trainingRuns: readonly TrainingRun[];
  readonly cursor: Cursor;
}

/** JSON form of {@link TrainingRun}. */
export const trainingRunSchema = transform(
  z.object({
    training_run_id: z.string(),
    base_model: z.string(),
    model_owner: z.string(),
    is_lora: z.boolean(),
    corrupted: withDefault(z.boolean(), false),
    lora_rank: optional(z.int()),
    last_request_time: z.string(),
    last_checkpoint: optional(checkpointSchema),
    last_sampler_checkpoint: optional(checkpointSchema),
    user_metadata: optional(z.record(z.string(), z.unknown())),
  }),
  (run): TrainingRun => camelKeys(run),
);

/** JSON form of {@link TrainingRunList}. */
export const trainingRunListSchema = transform(
  z.object({ training_runs: z.array(trainingRunSchema), cursor: cursorSchema }),
  (list): TrainingRunList => camelKeys(list),
);
