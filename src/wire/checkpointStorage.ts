import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';

/** Stored checkpoints of one project and owner. */
export interface CheckpointStorageItem {
  readonly projectId?: string;
  readonly orgUserUrn?: string;
  readonly userEmail?: string;
  readonly userName?: string;
  readonly checkpointCount: number;
  readonly sizeBytes: number;
  readonly sizeGigabytes: number;
  /** Of 720 hours at the current rate. */
  readonly estimatedMonthlyCostUsd?: number;
}

/** What checkpoints take now; it may lag by an hour or two. */
export interface CheckpointStorage {
  readonly effectiveRateUsdPerGigabyteMonth?: number;
  readonly data: readonly CheckpointStorageItem[];
}

const itemSchema = s.transform(
  s.object({
    project_id: optional(s.string()),
    org_user_urn: optional(s.string()),
    user_email: optional(s.string()),
    user_name: optional(s.string()),
    checkpoint_count: s.number(),
    size_bytes: s.number(),
    size_gigabytes: s.number(),
    estimated_monthly_cost_usd: optional(s.number()),
  }),
  (item): CheckpointStorageItem => camelKeys(item),
);

/** Answer of billing/usage/checkpoints/current. */
export const checkpointStorageSchema = s.transform(
  s.object({ effective_rate_usd_per_gigabyte_month: optional(s.number()), data: s.array(itemSchema) }),
  (usage): CheckpointStorage => camelKeys(usage),
);
