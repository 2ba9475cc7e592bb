import * as z from 'zod/mini';
import { camelKeys } from './camelCase.js';
import { optional, withDefault } from './optional.js';
import { transform } from './transform.js';

/** What was used in a bucket, by `type`; `unknown` for what later servers may add. */
export type BillingEvent =
  | { readonly type: 'training' | 'sampling_sample'; readonly tokenCount: number }
  /** `cached`: at the rate of cached prompts. */
  | { readonly type: 'sampling_prefill'; readonly cached: boolean; readonly tokenCount: number }
  | { readonly type: 'checkpoint'; readonly count: number }
  | { readonly type: 'storage'; readonly free: boolean; readonly gigabyteHours: number }
  | { readonly type: 'unknown' };

/** Usage of one hour, for one model, session and kind. */
export interface BillingUsageEvent {
  /** ISO 8601; the end is exclusive. */
  readonly bucketStart: string;
  readonly bucketEnd: string;
  readonly baseModel?: string;
  readonly userId?: string;
  readonly userName?: string;
  readonly sessionId?: string;
  readonly projectId?: string;
  /** Before credits; missing where the server has no price. */
  readonly estimatedCostUsd?: number;
  readonly effectiveRateUsdPerMillionTokens?: number;
  readonly effectiveRateUsdPerGigabyteMonth?: number;
  readonly eventInfo: BillingEvent;
}

/** Usage of a time. */
export interface BillingUsage {
  readonly data: readonly BillingUsageEvent[];
  /** What is known of the sessions in `data`, by id. */
  readonly sessions: Readonly<Record<string, { readonly userMetadata?: Readonly<Record<string, unknown>> }>>;
  /** Costs before it come from invoices, later ones from published rates; ISO 8601. */
  readonly costDataThrough?: string;
}

const tokenCount = z.number();

const eventSchema = z.union([
  transform(z.object({ type: z.enum(['training', 'sampling_sample']), token_count: tokenCount }), (event) =>
    camelKeys(event),
  ),
  transform(z.object({ type: z.literal('sampling_prefill'), cached: z.boolean(), token_count: tokenCount }), (event) =>
    camelKeys(event),
  ),
  z.object({ type: z.literal('checkpoint'), count: z.number() }),
  transform(
    z.object({ type: z.literal('storage'), free: withDefault(z.boolean(), false), gigabyte_hours: z.number() }),
    (event) => camelKeys(event),
  ),
  z.object({ type: transform(z.string(), () => 'unknown' as const) }),
]);

const usageEventSchema = transform(
  z.object({
    bucket_start: z.string(),
    bucket_end: z.string(),
    base_model: optional(z.string()),
    user_id: optional(z.string()),
    user_name: optional(z.string()),
    session_id: optional(z.string()),
    project_id: optional(z.string()),
    estimated_cost_usd: optional(z.number()),
    effective_rate_usd_per_million_tokens: optional(z.number()),
    effective_rate_usd_per_gigabyte_month: optional(z.number()),
    event_info: eventSchema,
  }),
  (event): BillingUsageEvent => camelKeys(event),
);

const usageSessionSchema = transform(
  z.object({ user_metadata: optional(z.record(z.string(), z.unknown())) }),
  (session): { readonly userMetadata?: Readonly<Record<string, unknown>> } => camelKeys(session),
);

/** Answer of billing/usage/events. */
export const billingUsageSchema = transform(
  z.object({
    data: z.array(usageEventSchema),
    sessions: withDefault(z.record(z.string(), usageSessionSchema), {}),
    cost_data_through: optional(z.string()),
  }),
  (usage): BillingUsage => camelKeys(usage),
);
