import type { SchedulerLike } from 'rxjs';
import type { ConfigOptions } from '../config.js';
import type { Logger } from '../log.js';
import type { Random } from '../transport/random.js';
import type { PassFormat } from '../wire/codec.js';
import type { Transport } from '../transport/transport.js';
import type { Tracer } from './tracing.js';

/** What a ServiceClient is made with; everything has a default. */
export interface ServiceOptions extends ConfigOptions {
  readonly userMetadata?: Readonly<Record<string, string>>;
  readonly displayName?: string;
  /** Carries the requests; default: undici to the base URL. */
  readonly transport?: Transport;
  readonly log?: Logger;
  /** Gets a span for each operation, e.g. by `openTelemetry(api)`; default: nothing is traced. */
  readonly tracer?: Tracer;
  /** Time of every wait; default: the real one, where timers of the background do not keep the process alive. */
  readonly scheduler?: SchedulerLike;
  /** Numbers in [0, 1) for ids and jitter; default: crypto. */
  readonly random?: Random;
  /** How batches are sent; default: as protobuf, and as JSON where the server reads none. */
  readonly passFormat?: PassFormat;
  /** Milliseconds between two heartbeats; default 10 s; `Infinity`: none. */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds after which a send without a known outcome closes its lane; default 300 s. */
  readonly sendDeadlineMs?: number;
  /** Milliseconds of polling without any answer until `connection_lost`; default 300 s. */
  readonly silenceDeadlineMs?: number;
  /** Least milliseconds between two warnings of a paused queue, a model; default 60 s. */
  readonly queueWarningIntervalMs?: number;
}
