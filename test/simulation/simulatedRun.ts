import { Subscription, defer, ignoreElements, of } from 'rxjs';
import { linearDecay } from '../../operators/index.js';
import { ServiceClient } from '../../src/clients/service.js';
import type { TinkerError } from '../../src/errors.js';
import { seededRandom } from '../../src/testing/seededRandom.js';
import type { CheckpointEntry, CheckpointLog } from '../../src/training/checkpointLog.js';
import { type ResumableEvent, resumable } from '../../src/training/resumable.js';
import { type Datum, ModelInput } from '../../src/wire/index.js';
import { SimulatedDisk } from './simulatedDisk.js';
import { SimulatedNetwork } from './simulatedNetwork.js';
import { SimulatedServer } from './simulatedServer.js';
import { SimulatedTime } from './simulatedTime.js';

/** What one simulated run is made of. */
export interface SimulationOptions {
  readonly seed: number;
  /** Probability of a fault for each request. */
  readonly faults: number;
  readonly steps: number;
  readonly serverCrashes: number;
  readonly clientCrashes: number;
}

/** What came of it. */
export interface SimulationResult {
  readonly finished: boolean;
  /** The adapter and optimizer that the run ended with, as saved. */
  readonly weights: Buffer | undefined;
  readonly events: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  /** What is left over: requests, timers. */
  readonly leftOver: { readonly requests: number; readonly timers: number };
  readonly virtualSeconds: number;
  readonly failure: string | undefined;
}

/** Longest that a simulated run may take, in virtual milliseconds. */
const LONGEST = 24 * 3_600_000;

/** Trains through whatever the seed brings, to the end. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const random = seededRandom(options.seed);
  const time = new SimulatedTime();
  const disk = new SimulatedDisk(time, random);
  const server = new SimulatedServer(time, disk, options.seed);
  const network = new SimulatedNetwork(time, server, random, options.faults);
  const entries: CheckpointEntry[] = [];
  const events: string[] = [];
  let finished: CheckpointEntry | undefined;
  let failure: TinkerError | undefined;
  let client: { readonly service: ServiceClient; readonly running: Subscription } | undefined;

  const log: CheckpointLog = {
    read: () => defer(() => of([...entries])),
    append: (entry) =>
      defer(() => {
        entries.push(entry);
        return of(entry).pipe(ignoreElements());
      }),
  };
  const tell = (event: ResumableEvent): void => {
    events.push(`${time.frame} ${describeEvent(event)}`);
    if (event.type === 'finished') finished = event.entry;
  };
  const startClient = (): void => {
    const service = new ServiceClient({
      baseUrl: 'http://simulated.invalid',
      transport: network.transport(),
      scheduler: time,
      random: seededRandom(Math.floor(random() * 2 ** 31)),
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    const running = resumable(service, {
      run: 'run',
      log,
      model: { baseModel: 'simulated', rank: 2, seed: 1 },
      batches: (start) => Array.from({ length: options.steps - start }, (_, index) => batchOf(start + index)),
      checkpointEvery: 3,
      loss: 'cross_entropy',
      adam: linearDecay({ from: 1e-2, steps: options.steps }),
      depth: 1 + (options.seed % 3),
      maxResumes: 1_000,
    }).subscribe({
      next: tell,
      error: (error: TinkerError) => {
        failure = error;
      },
    });
    client = { service, running };
  };

  await server.start();
  startClient();
  const chaos = new Subscription();
  for (const at of times(options.serverCrashes, random)) {
    chaos.add(
      time.schedule(() => {
        events.push(`${time.frame} server crashed`);
        server.crash();
        chaos.add(time.schedule(() => void server.start(), Math.floor(random() * 60_000)));
      }, at),
    );
  }
  for (const at of times(options.clientCrashes, random)) {
    chaos.add(
      time.schedule(() => {
        if (finished !== undefined || failure !== undefined) return;
        events.push(`${time.frame} client crashed`);
        // A dead process hears and says nothing more; its requests may still arrive.
        client?.running.unsubscribe();
        client?.service.abandon();
        startClient();
      }, at),
    );
  }

  const ended = (): boolean => finished !== undefined || failure !== undefined;
  await time.runUntil(ended, LONGEST);
  chaos.unsubscribe();
  network.faults = 0;
  if (!server.up) await server.start();
  let closed = false;
  void client?.service.close().then(() => (closed = true));
  await time.runUntil(() => closed, 60_000);
  let stopped = false;
  void server.stop().then(() => (stopped = true));
  await time.runUntil(() => stopped, 60_000);
  // Copies that the network still carries arrive; what keeps setting timers would show.
  await time.runUntil(() => false, 100_000);
  return {
    finished: finished !== undefined,
    weights: finished === undefined ? undefined : weightsOf(disk, finished),
    events,
    faults: network.happened,
    leftOver: { requests: network.underWay, timers: time.pending },
    virtualSeconds: time.frame / 1000,
    failure: failure === undefined ? undefined : `${failure.code}: ${failure.message}`,
  };
}

function batchOf(step: number): Datum[] {
  const random = seededRandom(step + 1);
  return Array.from({ length: 2 }, () => ({
    modelInput: ModelInput.fromTokens(Array.from({ length: 6 }, () => Math.floor(random() * 16))),
  }));
}

function times(count: number, random: () => number): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * 120_000));
}

function weightsOf(disk: SimulatedDisk, { statePath }: CheckpointEntry): Buffer {
  const [, run = '', , name = ''] = /^tinker:\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(statePath) ?? [];
  const files = disk.paths.filter((path) => path.includes(run) && path.includes(name) && path.endsWith('.safetensors'));
  return Buffer.concat(files.sort().map((path) => Buffer.from(disk.read(path) ?? [])));
}

function describeEvent(event: ResumableEvent): string {
  switch (event.type) {
    case 'started':
      return `started at ${event.step}`;
    case 'step':
      return `step ${event.step}`;
    case 'interrupted':
      return `interrupted: ${event.error.code}: ${event.error.message.slice(0, 300)}`;
    case 'checkpoint':
    case 'finished':
      return `${event.type} ${event.entry.name}`;
  }
}
