import {
  type Observable,
  type SchedulerLike,
  Subject,
  Subscription,
  defer,
  merge,
  mergeMap,
  take,
  throwError,
} from 'rxjs';
import { createServer } from '../../src/local/server/createServer.js';
import { seededRandom } from '../../src/local/server/seededRandom.js';
import type { Engine } from '../../src/local/engine/engine.js';
import type { Server } from '../../src/local/server/server.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import type { SimulatedDisk } from './simulatedDisk.js';
import type { SimulatedTime } from './simulatedTime.js';
import { simulatedEngine } from './simulatedEngine.js';

/** The real server core on a simulated disk: it can crash, and starts again from what is on the disk. */
export class SimulatedServer {
  private server: Server | undefined;
  private engine: Engine | undefined;
  private readonly crashed = new Subject<void>();
  private starts = 0;
  private timers = new Subscription();
  /** Why the server logged what it did. */
  readonly log: string[] = [];

  constructor(
    private readonly time: SimulatedTime,
    private readonly disk: SimulatedDisk,
    private readonly seed: number,
  ) {}

  async start(): Promise<void> {
    const start = ++this.starts;
    const engine = await simulatedEngine();
    const server = await createServer({
      engine,
      storage: this.disk.storage(),
      clock: { now: () => this.time.now(), scheduler: this.mortal() },
      random: seededRandom(this.seed * 1000 + start),
      log: (level, message) => this.log.push(`${this.time.frame} ${level} ${message}`),
    });
    if (start !== this.starts) return;
    this.engine = engine;
    this.server = server;
  }

  /** Time whose timers end with the process of this start. */
  private mortal(): SchedulerLike {
    const timers = new Subscription();
    this.timers = timers;
    return {
      now: () => this.time.now(),
      schedule: (work, delay, state) => {
        const timer = this.time.schedule(work, delay, state);
        timers.add(timer);
        timer.add(() => {
          timers.remove(timer);
        });
        return timer;
      },
    };
  }

  /** Ends at once, as by kill -9: nothing is answered any more, what was being written is there or not. */
  crash(): void {
    this.starts += 1;
    this.server = undefined;
    this.engine = undefined;
    this.timers.unsubscribe();
    this.disk.crash();
    this.crashed.next();
  }

  get up(): boolean {
    return this.server !== undefined;
  }

  /** Answers a request, or breaks the connection when the server is down or goes down meanwhile. */
  handle(request: TransportRequest, broken: () => Error): Observable<TransportResponse> {
    return defer(() => {
      const { server } = this;
      if (server === undefined) return throwError(broken);
      const { body, method, path, headers } = request;
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
      const answer = server.handle({ method, path, headers, ...(bytes !== undefined && { body: bytes }) });
      const down = this.crashed.pipe(mergeMap(() => throwError(broken)));
      return merge(answer, down).pipe(take(1));
    });
  }

  /** Stops for good, so that nothing of it is left. */
  async stop(): Promise<void> {
    const { server, engine } = this;
    this.server = undefined;
    this.crashed.next();
    await server?.close();
    await engine?.close();
  }
}
