// What bundlers for browsers take instead of undiciTransport.ts: package.json says so under "browser".
import { TinkerError } from '../errors.js';
import type { Transport } from './transport.js';
import type { UndiciTransportOptions } from './undiciTransport.js';

export function undiciTransport({ baseUrl }: UndiciTransportOptions): Transport {
  throw new TinkerError(
    'invalid_config',
    `Expected Node for an undiciTransport to ${baseUrl}, got a browser. Use fetchTransport, or leave the transport out.`,
  );
}
