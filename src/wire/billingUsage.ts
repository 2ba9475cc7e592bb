import * as s from './schema.js';
import { camelKeys } from './camelCase.js';
import { optional, withDefault } from './optional.js';

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

const tokenCount = s.number();

const eventSchema = s.union([
  s.transform(s.object({ type: s.oneOf('training', 'sampling_sample'), token_count: tokenCount }), (event) =>
    camelKeys(event),
  ),
  s.transform(s.object({ type: s.oneOf('sampling_prefill'), cached: s.boolean(), token_count: tokenCount }), (event) =>
    camelKeys(event),
  ),
  s.object({ type: s.oneOf('checkpoint'), count: s.number() }),
  s.transform(
    s.object({ type: s.oneOf('storage'), free: withDefault(s.boolean(), false), gigabyte_hours: s.number() }),
    (event) => camelKeys(event),
  ),
  s.object({ type: s.transform(s.string(), () => 'unknown' as const) }),
]);

const usageEventSchema = s.transform(
  s.object({
    bucket_start: s.string(),
    bucket_end: s.string(),
    base_model: optional(s.string()),
    user_id: optional(s.string()),
    user_name: optional(s.string()),
    session_id: optional(s.string()),
    project_id: optional(s.string()),
    estimated_cost_usd: optional(s.number()),
    effective_rate_usd_per_million_tokens: optional(s.number()),
    effective_rate_usd_per_gigabyte_month: optional(s.number()),
    event_info: eventSchema,
  }),
  (event): BillingUsageEvent => camelKeys(event),
);

const usageSessionSchema = s.transform(
  s.object({ user_metadata: optional(s.record(s.unknown())) }),
  (session): { readonly userMetadata?: Readonly<Record<string, unknown>> } => camelKeys(session),
);

/** Answer of billing/usage/events. */
export const billingUsageSchema = s.transform(
  s.object({
    data: s.array(usageEventSchema),
    sessions: withDefault(s.record(usageSessionSchema), {}),
    cost_data_through: optional(s.string()),
  }),
  (usage): BillingUsage => camelKeys(usage),
);
