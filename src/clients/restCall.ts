import { of } from 'rxjs';
import type { ApiCall } from '../transport/api.js';
import { type Connection, makeOperation } from './connection.js';
import type { Operation } from './operation.js';
import type { OperationSpan } from './tracing.js';
import type { CallOptions } from './trainingOptions.js';

/** A request of one answer, named as the protocol names it. */
export type RestCall<T> = ApiCall<T> & { readonly type: string };

/** An operation that asks: it may be left at any time, and asks again when it is taken up again. */
export function ask<T>(connection: Connection, call: RestCall<T>, { signal }: CallOptions): Operation<T> {
  const { type } = call;
  return makeOperation(
    connection,
    { type, send: () => of(undefined), poll: (_, { span }) => connection.api.call(traced(call, span)) },
    { signal },
  );
}

/** An operation that changes something: it is sent once, and finished even if nobody waits any more. */
export function tell<T>(connection: Connection, call: RestCall<T>, { signal }: CallOptions): Operation<T> {
  const { type } = call;
  return makeOperation(
    connection,
    { type, send: ({ span }) => connection.api.call(traced(call, span)), poll: (answer) => of(answer) },
    { signal },
  );
}

function traced<T>(call: RestCall<T>, span: OperationSpan | undefined): RestCall<T> {
  return span === undefined ? call : { ...call, headers: { ...call.headers, ...span.headers } };
}

/** A path with a query of what is given. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? path : `${path}?${given.toString()}`;
}
