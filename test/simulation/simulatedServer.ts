import { type Observable, Subject, defer, map, merge, take } from 'rxjs';
import { TinkerError } from '../../src/errors.js';
import type { Engine } from '../../src/local/engine/engine.js';
import { createServer } from '../../src/local/server/createServer.js';
import { seededRandom } from '../../src/local/server/seededRandom.js';
import type { Server } from '../../src/local/server/server.js';
import { seededRandom as seededNumbers } from '../../operators/seededRandom.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import type { Ledger } from './ledger.js';
import type { Seams } from './seams.js';
import type { SimulatedDisk } from './simulatedDisk.js';
import { simulatedEngine } from './simulatedEngine.js';
import { SimulatedProcess } from './simulatedProcess.js';
import type { SimulatedTime } from './simulatedTime.js';

/** What simulated servers share over their starts. */
export interface SimulatedServerOptions {
  readonly time: SimulatedTime;
  readonly disk: SimulatedDisk;
  readonly ledger: Ledger;
  readonly seams: Seams;
  readonly seed: number;
  /** How long a poll is held, in milliseconds. */
  readonly pollHoldMs: number;
}

/** The real server core on a simulated disk: it can crash, and starts again from what is on the disk. */
export class SimulatedServer {
  private running: { readonly server: Server; readonly engine: Engine; readonly process: SimulatedProcess } | undefined;
  private readonly crashed = new Subject<undefined>();
  private starts = 0;

  constructor(private readonly options: SimulatedServerOptions) {}

  async start(): Promise<void> {
    const { time, disk, ledger, seams, seed, pollHoldMs } = this.options;
    const start = ++this.starts;
    const process = new SimulatedProcess(time);
    const storage = disk.storage(process);
    const engine = await simulatedEngine(process, ledger, seededNumbers(seed * 1000 + start));
    const server = await createServer({
      engine,
      storage: seams.storage?.(storage) ?? storage,
      clock: { now: () => process.now(), scheduler: process },
      random: seededRandom(seed * 1000 + start),
      log: (level, message) => ledger.story.push(`${time.frame} server, ${level}: ${message}`),
      limits: { pollHoldMs },
    });
    if (start === this.starts) this.running = { server, engine, process };
  }

  /** Ends at once, as by kill -9: nothing is answered any more, what was being written is there or not. */
  crash(): void {
    this.starts += 1;
    this.running?.process.end();
    this.running = undefined;
    this.options.disk.crash();
    this.crashed.next(undefined);
  }

  get up(): boolean {
    return this.running !== undefined;
  }

  /** Answers a request, or breaks the connection when the server is down or goes down meanwhile. */
  handle(request: TransportRequest): Observable<TransportResponse> {
    return defer(() => {
      if (this.running === undefined) throw refused();
      const { body, method, path, headers } = request;
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
      const answer = this.running.server.handle({ method, path, headers, ...(bytes !== undefined && { body: bytes }) });
      const down = this.crashed.pipe(
        map(() => {
          throw refused();
        }),
      );
      return merge(answer, down).pipe(take(1));
    });
  }

  /** Stops for good; gives the number of timers that it left over. */
  async stop(): Promise<number> {
    const { running } = this;
    this.running = undefined;
    this.crashed.next(undefined);
    await running?.server.close();
    await running?.engine.close();
    return running?.process.pending ?? 0;
  }
}

function refused(): TinkerError {
  return new TinkerError('connection_failed', 'The server does not answer: the connection was refused or reset.', {
    retryable: true,
  });
}
