import {
  EMPTY,
  type Observable,
  catchError,
  defer,
  delay,
  finalize,
  map,
  merge,
  mergeMap,
  take,
  throwError,
  timer,
} from 'rxjs';
import { TinkerError } from '../../src/errors.js';
import type { Transport, TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import type { SimulatedServer } from './simulatedServer.js';
import type { SimulatedTime } from './simulatedTime.js';

/** What a network does to a request. */
type Fault = 'lost request' | 'lost answer' | 'duplicate' | 'slow' | 'status' | 'empty 400' | 'pause' | 'evicted';

const FAULTS: readonly Fault[] = [
  'lost request',
  'lost answer',
  'duplicate',
  'slow',
  'status',
  'empty 400',
  'pause',
  'evicted',
];

/** A network between a client and a server, which loses, repeats, delays and answers requests itself, by a seed. */
export class SimulatedNetwork {
  /** Requests that are under way. */
  underWay = 0;
  /** Faults that happened, by kind. */
  readonly happened = new Map<Fault, number>();
  /** Probability of a fault for each request. */
  faults: number;

  constructor(
    private readonly time: SimulatedTime,
    private readonly server: SimulatedServer,
    private readonly random: () => number,
    faults: number,
  ) {
    this.faults = faults;
  }

  transport(): Transport {
    return {
      send: (request) => this.timed(request, this.carry(request)),
      close: () => EMPTY,
    };
  }

  private carry(request: TransportRequest): Observable<TransportResponse> {
    return defer(() => {
      const there = 1 + Math.floor(this.random() * 30);
      const back = 1 + Math.floor(this.random() * 30);
      const reset = (): TinkerError =>
        new TinkerError('connection_failed', 'The connection was reset.', { retryable: true });
      const reach = (): Observable<TransportResponse> => this.server.handle(request, reset);
      const whole = timer(there, this.time).pipe(mergeMap(reach), delay(back, this.time));
      switch (this.fault(request)) {
        case undefined:
          return whole;
        case 'lost request':
          return timer(there, this.time).pipe(mergeMap(() => throwError(reset)));
        case 'lost answer':
          return whole.pipe(mergeMap(() => throwError(reset)));
        case 'duplicate': {
          const again = timer(there + Math.floor(this.random() * 5_000), this.time).pipe(mergeMap(reach));
          // The second copy goes its own way: it arrives even if the client has its answer or has given up.
          again.pipe(catchError(() => EMPTY)).subscribe();
          return whole;
        }
        case 'slow':
          return whole.pipe(delay(Math.floor(this.random() * 90_000), this.time));
        case 'status':
          return this.answer(there, this.pick([408, 409, 429, 500, 502, 503]), 'by a proxy');
        case 'empty 400':
          return this.answer(there, 400);
        case 'pause':
          return this.answer(there, 402, 'out of credit');
        case 'evicted':
          return this.answer(there, 410, 'evicted');
      }
    });
  }

  private fault(request: TransportRequest): Fault | undefined {
    if (this.random() >= this.faults) return undefined;
    const fault = this.pick(FAULTS);
    // A proxy answers 409 only to what may be sent again, and results are evicted seldom.
    if (fault === 'evicted' && (!request.path.endsWith('retrieve_future') || this.random() < 0.8)) return undefined;
    this.happened.set(fault, (this.happened.get(fault) ?? 0) + 1);
    return fault;
  }

  private answer(after: number, status: number, detail?: string): Observable<TransportResponse> {
    const body = detail === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify({ detail }));
    return timer(after, this.time).pipe(map(() => ({ status, headers: {}, body })));
  }

  private timed(request: TransportRequest, answer: Observable<TransportResponse>): Observable<TransportResponse> {
    return defer(() => {
      this.underWay += 1;
      const late = timer(request.timeoutMs, this.time).pipe(
        mergeMap(() => throwError(() => new TinkerError('request_timeout', 'No answer in time.', { retryable: true }))),
      );
      return merge(answer, late).pipe(
        take(1),
        finalize(() => {
          this.underWay -= 1;
        }),
      );
    });
  }

  private pick<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    const value = values[Math.floor(this.random() * values.length)];
    if (value === undefined) throw new Error('Nothing to pick from.');
    return value;
  }
}
