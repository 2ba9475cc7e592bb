import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { type Checkpoint, type Cursor, checkpointSchema, cursorSchema } from './checkpoint.js';
import { optional, withDefault } from './optional.js';

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
export const trainingRunSchema = s.transform(
  s.object({
    training_run_id: s.string(),
    base_model: s.string(),
    model_owner: s.string(),
    is_lora: s.boolean(),
    corrupted: withDefault(s.boolean(), false),
    lora_rank: optional(s.int()),
    last_request_time: s.string(),
    last_checkpoint: optional(checkpointSchema),
    last_sampler_checkpoint: optional(checkpointSchema),
    user_metadata: optional(s.record(s.unknown())),
  }),
  (run): TrainingRun => camelKeys(run),
);

/** JSON form of {@link TrainingRunList}. */
export const trainingRunListSchema = s.transform(
  s.object({ training_runs: s.array(trainingRunSchema), cursor: cursorSchema }),
  (list): TrainingRunList => camelKeys(list),
);
