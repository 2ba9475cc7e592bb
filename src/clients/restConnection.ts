import { asyncScheduler, type Observable, lastValueFrom, takeUntil, timer } from 'rxjs';
import { storedKey } from '../auth/credentialsFile.js';
import { resolveConfig } from '../config.js';
import { TinkerError } from '../errors.js';
import { defaultTransport } from '../transport/defaultTransport.js';
import type { Connection } from './connection.js';
import { makeConnection } from './makeConnection.js';
import { makeServiceContext } from './makeServiceContext.js';
import type { ServiceContext } from './serviceContext.js';
import type { ServiceOptions } from './serviceOptions.js';

/** Longest wait for connections at close, in milliseconds. */
const CONNECTIONS_WAIT = 2_000;

/** A connection without a session, and how it ends. */
export interface RestConnection {
  readonly connection: Connection;
  readonly projectId?: string;
  /** A session for what needs a model, and how it ends; made at its first use. */
  openService(): { readonly context: ServiceContext; readonly end: Observable<never> };
  close(): Promise<void>;
}

/** Opens a connection of its own: what waits fails with `closed` when it is closed. Errors: `invalid_config`. */
export function openRestConnection(options: ServiceOptions): RestConnection {
  const config = resolveConfig(options, undefined, storedKey);
  const scheduler = options.scheduler ?? asyncScheduler;
  const transport = options.transport ?? defaultTransport({ baseUrl: config.baseUrl, scheduler: options.scheduler });
  const connection = makeConnection(config, transport, options);
  let closing: Promise<void> | undefined;
  return {
    connection,
    ...(config.projectId !== undefined && { projectId: config.projectId }),
    openService: () => {
      const context = makeServiceContext(config, connection, options);
      return { context, end: context.session.finish('success') };
    },
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
