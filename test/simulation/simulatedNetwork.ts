import {
  EMPTY,
  type Observable,
  type SchedulerLike,
  Subject,
  defer,
  delay,
  finalize,
  map,
  merge,
  mergeMap,
  take,
  takeUntil,
  timer,
} from 'rxjs';
import { TinkerError } from '../../src/errors.js';
import type { Transport, TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import type { Ledger } from './ledger.js';
import { SimulatedProcess } from './simulatedProcess.js';
import type { SimulatedServer } from './simulatedServer.js';
import type { SimulatedTime } from './simulatedTime.js';

/** What a network does to a request; those that come seldom are listed once. */
const FAULTS = [
  ...repeat('lost request'),
  ...repeat('lost answer'),
  ...repeat('duplicate'),
  ...repeat('late request'),
  ...repeat('late answer'),
  ...repeat('reset in mid-body'),
  ...repeat('status of a proxy'),
  ...repeat('status with retry-after'),
  ...repeat('empty 400'),
  ...repeat('billing pause'),
  'evicted result',
  'cut answer',
] as const;
type Fault = (typeof FAULTS)[number];

const STATUSES = [408, 409, 429, 500, 502, 503];
/** How long the server goes on with a request whose sender is gone. */
const HANG_UP = 1_000;

/** A network between a client and a server, which loses, repeats, delays and answers requests itself, by a seed. */
export class SimulatedNetwork {
  /** Requests whose client still waits. */
  waiting = 0;
  private readonly process: SimulatedProcess;

  constructor(
    time: SimulatedTime,
    private readonly server: SimulatedServer,
    private readonly ledger: Ledger,
    private readonly random: () => number,
    /** Probability of a fault for each request. */
    public faults: number,
  ) {
    this.process = new SimulatedProcess(time);
  }

  /** What one client sends over; its answers come when its process is awake. */
  transport(client: SchedulerLike): Transport {
    return {
      send: (request) => this.timed(request, client),
      close: () => EMPTY,
    };
  }

  /** Requests and answers on their way. */
  get pending(): number {
    return this.process.pending;
  }

  private timed(request: TransportRequest, client: SchedulerLike): Observable<TransportResponse> {
    return defer(() => {
      this.waiting += 1;
      const late = timer(request.timeoutMs, client).pipe(
        map(() => {
          throw new TinkerError('request_timeout', 'No answer in time.', { retryable: true });
        }),
      );
      return merge(this.carry(request).pipe(delay(this.upTo(30), client)), late).pipe(
        take(1),
        finalize(() => {
          this.waiting -= 1;
        }),
      );
    });
  }

  private carry(request: TransportRequest): Observable<TransportResponse> {
    return defer(() => {
      const fault = this.fault(request);
      switch (fault) {
        case undefined:
          return this.journey(request);
        case 'lost request':
          return this.answer(200).pipe(map(reset));
        case 'lost answer':
          return this.journey(request).pipe(map(reset));
        case 'duplicate':
          return merge(this.journey(request), this.journey(request, this.upTo(5_000)).pipe(mergeMap(() => EMPTY)));
        case 'late request':
          return this.journey(request, this.upTo(90_000));
        case 'late answer':
          return this.journey(request).pipe(delay(this.upTo(90_000), this.process));
        case 'reset in mid-body':
          return this.random() < 0.5
            ? this.answer(200).pipe(delay(this.upTo(2_000), this.process), map(reset))
            : this.journey(request).pipe(delay(this.upTo(2_000), this.process), map(reset));
        case 'status of a proxy':
          return this.answer(this.pick(STATUSES), {}, 'by a proxy');
        case 'status with retry-after':
          return this.answer(
            this.pick([429, 500, 503]),
            this.random() < 0.5 ? { 'retry-after': '7' } : { 'retry-after-ms': '350', 'x-should-retry': 'true' },
            'by a proxy',
          );
        case 'empty 400':
          return this.answer(400);
        case 'billing pause':
          return this.answer(402, {}, 'out of credit');
        case 'evicted result':
          return this.answer(410, {}, 'evicted');
        case 'cut answer':
          return this.journey(request).pipe(map(cut));
      }
    });
  }

  private fault(request: TransportRequest): Fault | undefined {
    if (this.random() >= this.faults) return undefined;
    const fault = this.pick(FAULTS);
    if (fault === 'evicted result' && !request.path.endsWith('retrieve_future')) return undefined;
    this.ledger.happens(fault);
    return fault;
  }

  /** Goes to the server, and arrives even if the sender has given up; then the server soon notices. */
  private journey(request: TransportRequest, late = 0): Observable<TransportResponse> {
    return defer(() => {
      const answered = new Subject<TransportResponse>();
      const hungUp = new Subject<undefined>();
      let gone = false;
      timer(late + this.upTo(30), this.process)
        .pipe(
          mergeMap(() => {
            const noticed = gone ? timer(HANG_UP, this.process) : hungUp;
            return this.server.handle(request).pipe(takeUntil(noticed));
          }),
        )
        .subscribe(answered);
      return answered.pipe(
        finalize(() => {
          gone = true;
          hungUp.next(undefined);
        }),
      );
    });
  }

  private answer(status: number, headers: Record<string, string> = {}, detail?: string): Observable<TransportResponse> {
    const body = detail === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify({ detail }));
    return timer(this.upTo(30), this.process).pipe(map(() => ({ status, headers, body })));
  }

  private upTo(milliseconds: number): number {
    return 1 + Math.floor(this.random() * milliseconds);
  }

  private pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.random() * values.length)];
    if (value === undefined) throw new Error('Nothing to pick from.');
    return value;
  }
}

/** Five tickets in the draw, where a rare fault has one. */
function repeat<T extends string>(fault: T): readonly T[] {
  return [fault, fault, fault, fault, fault];
}

function reset(): never {
  throw new TinkerError('connection_failed', 'The connection was reset.', { retryable: true });
}

/** An answer that a proxy passed on as whole, though it is not. */
function cut({ status, headers, body }: TransportResponse): TransportResponse {
  return { status, headers, body: body.subarray(0, body.length >> 1) };
}
