import type { TimestampProvider } from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';

/** Least time between two warnings of a billing pause, or of an outage, in milliseconds. */
const INTERVAL = 60_000;
/** A server that is out of reach for this long is worth a warning, in milliseconds. */
const LONG_OUTAGE = 10_000;

/** Tells why requests are sent again, so that who waits knows what for. */
export class RetryNotices {
  private lastBilling = -Infinity;
  private lastOutage = -Infinity;
  private outageSince: number | undefined;

  constructor(private readonly options: { readonly scheduler: TimestampProvider; readonly log: Logger }) {}

  /** Takes note of a failure after which the request is sent again. */
  retry(endpoint: string, error: unknown): void {
    const { log, scheduler } = this.options;
    const now = scheduler.now();
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof TinkerError ? error.code : undefined;
    if (code !== 'payment_required') log.debug(`Sending ${endpoint} again: ${message}`);
    else if (now - this.lastBilling >= INTERVAL) {
      this.lastBilling = now;
      log.warn(`The job is paused due to billing status. Error: ${message}`);
    }
    if (code !== 'connection_failed') return;
    this.outageSince ??= now;
    const outage = now - this.outageSince;
    if (outage < LONG_OUTAGE || now - this.lastOutage < INTERVAL) return;
    this.lastOutage = now;
    log.warn(
      `The server has been out of reach for ${String(Math.round(outage / 1000))} s and is tried again: ${message}`,
    );
  }

  /** Takes note of an answer: the server is in reach. */
  answer(): void {
    this.outageSince = undefined;
  }
}
