import { of } from 'rxjs';
import type { ApiCall } from '../transport/api.js';
import { type Connection, makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import type { CallOptions } from './trainingOptions.js';

/** A request of one answer, named as the protocol names it. */
export type RestCall<T> = ApiCall<T> & { readonly type: string };

/** An operation that asks: it may be left at any time, and asks again when it is taken up again. */
export function ask<T>(connection: Connection, call: RestCall<T>, { signal }: CallOptions): Operation<T> {
  const { type } = call;
  return makeOperation(
    connection,
    { type, send: () => of(undefined), poll: () => connection.api.call(call) },
    { signal },
  );
}

/** An operation that changes something: it is sent once, and finished even if nobody waits any more. */
export function tell<T>(connection: Connection, call: RestCall<T>, { signal }: CallOptions): Operation<T> {
  const { type } = call;
  return makeOperation(
    connection,
    { type, send: () => connection.api.call(call), poll: (answer) => of(answer) },
    { signal },
  );
}

/** A path with a query of what is given. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? path : `${path}?${given.toString()}`;
}
