import { AdminClient } from '../../clients/admin.js';
import { snakeCase } from '../../wire/camelCase.js';
import type { CommandContext } from '../commandContext.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { csv, writeTo } from '../output/csv.js';
import { byteSize } from '../output/quantities.js';
import { snakeJson } from '../output/snakeJson.js';
import { table } from '../output/table.js';

interface StorageOptions extends ServerOptions {
  readonly projectId?: string;
  readonly csv?: string;
}

const columns = [
  ...['projectId', 'orgUserUrn', 'userEmail', 'userName', 'checkpointCount', 'sizeBytes', 'sizeGigabytes'],
  'estimatedMonthlyCostUsd',
];

/** Shows what checkpoints take now. */
export async function run(context: CommandContext, options: StorageOptions): Promise<void> {
  const { projectId } = options;
  await using service = await openServer(context, options);
  await using admin = new AdminClient({
    baseUrl: service.baseUrl,
    apiKey: context.env.TINKER_API_KEY,
    log: context.log,
  });
  const usage = await context.wait(
    admin.getCurrentCheckpointStorageUsage({ ...(projectId !== undefined && { projectId }) }),
  );
  if (options.csv !== undefined) {
    const rows = usage.data.map((item) =>
      Object.fromEntries(Object.entries(item).map(([key, value]) => [snakeCase(key), value as unknown])),
    );
    writeTo(context, options.csv, csv(columns.map(snakeCase), rows));
    return;
  }
  const text = table(
    usage.data,
    [
      ['project', (item) => item.projectId],
      ['owner', (item) => item.userEmail ?? item.userName ?? item.orgUserUrn],
      ['checkpoints', (item) => item.checkpointCount],
      ['size', (item) => byteSize(item.sizeBytes)],
      ['usd a month', (item) => item.estimatedMonthlyCostUsd],
    ],
    'No checkpoints are stored.',
  );
  context.print(
    {
      effective_rate_usd_per_gigabyte_month: usage.effectiveRateUsdPerGigabyteMonth ?? null,
      data: snakeJson(usage.data),
    },
    text,
  );
}
