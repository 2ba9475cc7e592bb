import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional } from './optional.js';
import { transform } from './transform.js';

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

const itemSchema = transform(
  z.object({
    project_id: optional(z.string()),
    org_user_urn: optional(z.string()),
    user_email: optional(z.string()),
    user_name: optional(z.string()),
    checkpoint_count: z.number(),
    size_bytes: z.number(),
    size_gigabytes: z.number(),
    estimated_monthly_cost_usd: optional(z.number()),
  }),
  (item): CheckpointStorageItem => camelKeys(item),
);

/** Answer of billing/usage/checkpoints/current. */
export const checkpointStorageSchema = transform(
  z.object({ effective_rate_usd_per_gigabyte_month: optional(z.number()), data: z.array(itemSchema) }),
  (usage): CheckpointStorage => camelKeys(usage),
);
