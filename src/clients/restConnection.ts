import { asyncScheduler, lastValueFrom, takeUntil, timer } from 'rxjs';
import { storedKey } from '../auth/credentialsFile.js';
import { resolveConfig } from '../config.js';
import { TinkerError } from '../errors.js';
import { undiciTransport } from '../transport/undiciTransport.js';
import type { Connection } from './connection.js';
import { makeConnection } from './makeConnection.js';
import type { ServiceOptions } from './serviceOptions.js';

/** Longest wait for connections at close, in milliseconds. */
const CONNECTIONS_WAIT = 2_000;

/** A connection without a session, and how it ends. */
export interface RestConnection {
  readonly connection: Connection;
  readonly projectId?: string;
  close(): Promise<void>;
}

/** Opens a connection of its own: what waits fails with `closed` when it is closed. Errors: `invalid_config`. */
export function openRestConnection(options: ServiceOptions): RestConnection {
  const config = resolveConfig(options, undefined, storedKey);
  const scheduler = options.scheduler ?? asyncScheduler;
  const transport = options.transport ?? undiciTransport({ baseUrl: config.baseUrl, scheduler });
  const connection = makeConnection(config, transport, options);
  let closing: Promise<void> | undefined;
  return {
    connection,
    ...(config.projectId !== undefined && { projectId: config.projectId }),
    close: () => {
      connection.credentials.stop();
      closing ??= lastValueFrom(transport.close().pipe(takeUntil(timer(CONNECTIONS_WAIT, scheduler))), {
        defaultValue: undefined,
      });
      connection.closed ??= new TinkerError('closed', 'The client was closed; make a new one to go on.');
      for (const operation of [...connection.active]) operation.fail(connection.closed);
      return closing;
    },
  };
}
