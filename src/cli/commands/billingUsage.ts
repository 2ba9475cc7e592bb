import { AdminClient } from '../../clients/admin.js';
import type { BillingUsageEvent } from '../../wire/index.js';
import { snakeCase } from '../../wire/camelCase.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { csv, writeTo } from '../output/csv.js';
import { time } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { table } from '../output/table.js';

interface UsageOptions extends ServerOptions {
  readonly csv?: string;
  readonly sessionsCsv?: string;
}

const eventColumns = [
  ...['bucketStart', 'bucketEnd', 'baseModel', 'userId', 'userName', 'sessionId', 'projectId', 'type', 'cached'],
  ...['tokenCount', 'count', 'free', 'gigabyteHours', 'estimatedCostUsd'],
  ...['effectiveRateUsdPerMillionTokens', 'effectiveRateUsdPerGigabyteMonth'],
];

/** Shows what was used from one full UTC hour to another. */
export async function run(
  context: CommandContext,
  options: UsageOptions,
  startingOn: string,
  endingBefore: string,
): Promise<void> {
  await using service = await openServer(context, options);
  await using admin = new AdminClient({
    baseUrl: service.baseUrl,
    apiKey: context.env.TINKER_API_KEY,
    log: context.log,
  });
  const usage = await context.wait(admin.getBillingUsage(startingOn, endingBefore));
  if (options.csv !== undefined) {
    const rows = usage.data.map(flat);
    writeTo(context, options.csv, csv(eventColumns.map(snakeCase), rows));
  }
  if (options.sessionsCsv !== undefined) {
    const rows = Object.entries(usage.sessions).map(([id, { userMetadata }]) => ({
      session_id: id,
      user_metadata: userMetadata,
    }));
    writeTo(context, options.sessionsCsv, csv(['session_id', 'user_metadata'], rows));
  }
  if (options.csv !== undefined || options.sessionsCsv !== undefined) return;
  const { data, sessions, costDataThrough } = usage;
  context.print(
    {
      data: snakeJson(data),
      sessions: Object.fromEntries(Object.entries(sessions).map(([id, session]) => [id, snakeJson(session)])),
      cost_data_through: costDataThrough ?? null,
    },
    table(
      data,
      [
        ['hour', ({ bucketStart }) => time(bucketStart)],
        ['model', ({ baseModel }) => baseModel],
        ['type', ({ eventInfo }) => eventInfo.type],
        ['amount', ({ eventInfo }) => amount(eventInfo)],
        ['session', ({ sessionId }) => sessionId],
        ['usd', ({ estimatedCostUsd }) => estimatedCostUsd],
      ],
      'Nothing was used in this time.',
    ),
  );
}

function flat({ eventInfo, ...event }: BillingUsageEvent): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...event, ...eventInfo }).map(([key, value]) => [snakeCase(key), value]));
}

function amount(event: BillingUsageEvent['eventInfo']): string | undefined {
  switch (event.type) {
    case 'checkpoint':
      return `${event.count}`;
    case 'storage':
      return `${event.gigabyteHours} GB h`;
    case 'unknown':
      return undefined;
    default:
      return `${event.tokenCount} tokens`;
  }
}
