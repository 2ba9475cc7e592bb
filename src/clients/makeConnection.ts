import { asyncScheduler } from 'rxjs';
import type { ResolvedConfig } from '../config.js';
import { consoleLogger } from '../log.js';
import { Api } from '../transport/api.js';
import { cryptoRandom } from '../transport/random.js';
import type { Transport } from '../transport/transport.js';
import { backgroundScheduler } from './backgroundScheduler.js';
import type { Connection } from './connection.js';
import type { ServiceOptions } from './serviceOptions.js';
import { SDK_VERSION } from './version.js';

/** Puts together what reaches a server, with no session of its own. */
export function makeConnection(config: ResolvedConfig, transport: Transport, options: ServiceOptions): Connection {
  const { random = cryptoRandom, scheduler = asyncScheduler } = options;
  const log = options.log ?? consoleLogger(config.logLevel);
  return {
    api: new Api({
      transport,
      apiKey: config.apiKey,
      headers: config.headers,
      scheduler,
      random,
      log,
      sdkVersion: SDK_VERSION,
    }),
    log,
    scheduler,
    background: options.scheduler ?? backgroundScheduler,
    random,
    deadlines: {
      sendDeadlineMs: options.sendDeadlineMs ?? 300_000,
      silenceDeadlineMs: options.silenceDeadlineMs ?? 300_000,
      billingPauseMs: 3_600_000,
    },
    active: new Set(),
    closed: undefined,
  };
}
