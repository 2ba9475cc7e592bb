import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type DashboardSource, fileSource, restSource, serveDashboard } from '../../dashboard/index.js';
import { ServiceClient } from '../../clients/service.js';
import type { CommandContext } from '../commandContext.js';

interface WatchOptions {
  readonly url?: string;
  readonly port?: number;
}

/**
 * Serves the dashboard of some runs until the process is asked to end.
 *
 * @throws TinkerError `invalid_config` for a port in use, or a URL that is none.
 */
export async function run(
  context: CommandContext,
  options: WatchOptions,
  files: readonly string[] = [],
): Promise<void> {
  const { url, port = 0 } = options;
  const followed = files.length === 0 && url === undefined ? ['.'] : files;
  const service = url === undefined ? undefined : openService(context, url);
  const sources: DashboardSource[] = [
    ...followed.map((file) => fileSource(file)),
    ...(service === undefined ? [] : [restSource(service)]),
  ];
  const hint =
    url === undefined
      ? 'A run is shown as soon as it writes its metrics: a JSON object a line, with step and numbers, in metrics.jsonl.'
      : `The training runs of ${url} are shown as soon as there are some.`;
  const dashboard = await serveDashboard({ sources, port, hint, keepAlive: true });
  context.stdout.write(`watch on ${dashboard.url}\n`);
  for (const file of followed) if (!existsSync(file)) context.notice(`Waiting for ${file}, which is not there yet.`);
  if (!context.signal.aborted) await once(context.signal, 'abort');
  await dashboard.close();
  await service?.close();
}

function openService({ env, log }: CommandContext, baseUrl: string): ServiceClient {
  const apiKey = env.TINKER_API_KEY;
  return new ServiceClient({ baseUrl, log, ...(apiKey !== undefined && { apiKey }) });
}
