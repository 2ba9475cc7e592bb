import type { Storage } from '../../src/local/server/storage.js';
import type { Transport } from '../../src/transport/transport.js';

/** Places where a bug can be put in. */
export interface Seams {
  /** Around what carries the client's requests. */
  readonly transport?: (transport: Transport) => Transport;
  /** Around the server's storage. */
  readonly storage?: (storage: Storage) => Storage;
  /** The step whose batch comes first, for a run that starts at one. */
  readonly firstBatch?: (startStep: number) => number;
}
