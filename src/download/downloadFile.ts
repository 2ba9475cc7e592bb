import {
  type Observable,
  type SchedulerLike,
  concat,
  defer,
  retry,
  switchMap,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { TinkerError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Random } from '../transport/random.js';
import { decideRetry } from '../transport/retryTable.js';
import type { OpenUrl } from './openUrl.js';
import { type PartialFile, type Received, checkReceived, receive } from './receive.js';
import { whileSubscribed } from './whileSubscribed.js';

/** What downloads go over. */
export interface DownloadMeans {
  readonly open: OpenUrl;
  readonly scheduler: SchedulerLike;
  readonly random: Random;
  readonly log: Logger;
}

/** URLs that end after a while. */
export interface SignedUrl {
  /** One that is good for a while yet. */
  get(): Observable<string>;
  /** Says that the last one is no longer good. */
  expire(): void;
}

/** Silence in the middle of a file after which the connection counts as broken, in milliseconds. */
const SILENCE = 60_000;
/** Failures in a row without a new byte; with growing waits of up to 10 s that is about 4 minutes. */
const MOST_FAILURES = 30;
/** Copies that were received whole and are wrong. */
const MOST_WRONG_COPIES = 3;
/** Answers to a URL that has ended. */
const endedStatuses: readonly (number | undefined)[] = [401, 403, 404, 410];

/**
 * Downloads a file and checks it; after a failure it goes on from the last byte.
 *
 * Errors: `connection_failed` or `server_error` after 30 failures without a new byte, `invalid_response` for the third
 * copy whose hash or form is wrong, `not_found` and the like where a new URL does not help, `invalid_config` of the disk.
 */
export function downloadFile(part: PartialFile, url: SignedUrl, means: DownloadMeans): Observable<Received> {
  const { open, scheduler, random, log } = means;
  return defer(() => {
    let most = 0;
    let failures = 0;
    let wrongCopies = 0;
    let refusals = 0;
    const attempt = defer(() => url.get()).pipe(
      switchMap((signed) =>
        concat(
          whileSubscribed<Received>((emit, signal) => receive(part, signed, open, emit, signal)).pipe(
            timeout({ each: SILENCE, scheduler, with: () => throwError(() => silent(part)) }),
          ),
          whileSubscribed<never>(() => checkReceived(part)),
        ),
      ),
      tap(({ receivedBytes }) => {
        if (receivedBytes <= most) return;
        most = receivedBytes;
        failures = 0;
        refusals = 0;
      }),
    );
    const waitFor = (error: TinkerError): number | undefined => {
      if (error.code === 'invalid_response') {
        most = 0;
        wrongCopies += 1;
        return wrongCopies < MOST_WRONG_COPIES ? 0 : undefined;
      }
      if (endedStatuses.includes(error.details.status)) {
        url.expire();
        refusals += 1;
        return refusals < 2 ? 0 : undefined;
      }
      const decision = decideRetry(error, failures, random);
      failures += 1;
      return decision.retry && failures < MOST_FAILURES ? decision.delayMs : undefined;
    };
    return attempt.pipe(
      retry({
        delay: (error: unknown) => {
          const waitMs = error instanceof TinkerError ? waitFor(error) : undefined;
          if (waitMs === undefined) return throwError(() => error);
          log.info(`${String(error)} It goes on in ${(waitMs / 1000).toFixed(1)} s, at ${most} bytes.`);
          return timer(waitMs, scheduler);
        },
      }),
    );
  });
}

function silent({ name }: PartialFile): TinkerError {
  return new TinkerError('request_timeout', `No byte of ${name} came for ${SILENCE / 1000} s.`, { retryable: true });
}
