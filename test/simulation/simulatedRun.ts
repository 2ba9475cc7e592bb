import { seededRandom } from '../../operators/seededRandom.js';
import { Ledger } from './ledger.js';
import type { Seams } from './seams.js';
import { SimulatedClient } from './simulatedClient.js';
import { SimulatedDisk } from './simulatedDisk.js';
import { SimulatedNetwork } from './simulatedNetwork.js';
import { SimulatedProcess } from './simulatedProcess.js';
import { SimulatedServer } from './simulatedServer.js';
import { SimulatedTime } from './simulatedTime.js';

/** What one simulated run is made of. */
export interface SimulationOptions {
  readonly seed: number;
  /** Probability of a fault for each request; 0: nothing goes wrong at all. */
  readonly faults: number;
  readonly steps: number;
  /** For a bug put in by hand. */
  readonly seams?: Seams;
}

/** What came of it. */
export interface SimulationResult {
  readonly ledger: Ledger;
  readonly disk: SimulatedDisk;
  /** What is left over when all is closed. */
  readonly leftOver: {
    readonly requests: number;
    readonly clientTimers: number;
    readonly serverTimers: number;
  };
  /** Virtual milliseconds that closing took. */
  readonly closeMs: number;
  readonly virtualSeconds: number;
}

/** Longest that a simulated run may take, in virtual milliseconds. */
const LONGEST = 24 * 3_600_000;
/** Within so many virtual milliseconds it all goes wrong. */
const STORM = 150_000;

/** Trains through whatever the seed brings, to the end; then closes the client, and at last the server. */
export async function simulate({ seed, faults, steps, seams = {} }: SimulationOptions): Promise<SimulationResult> {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  const time = new SimulatedTime();
  const ledger = new Ledger();
  const disk = new SimulatedDisk(random);
  const pollHoldMs = seed % 4 === 3 ? 60_000 : 40_000;
  const server = new SimulatedServer({ time, disk, ledger, seams, seed, pollHoldMs });
  const network = new SimulatedNetwork(time, server, ledger, random, faults);
  const options = { time, network, ledger, seams, random, steps, depth: 1 + (seed % 3), beside: 0 };
  // A faultless run is the measure, so it does all that there is to do.
  if (faults === 0) options.beside = 1;
  else if (seed % 2 === 0) options.beside = 0.5;
  const fate = new SimulatedProcess(time);

  const restart = async (downMs: number): Promise<void> => {
    ledger.happens('server crash');
    ledger.story.push(`${time.frame} server crashed`);
    server.crash();
    await fate.sleep(downMs);
    await server.start();
  };
  await server.start();
  let client = new SimulatedClient(options);
  const unlessEnded = (what: string, happen: () => void): void => {
    fate.after(upTo(STORM), () => {
      if (ledger.ended) return;
      if (what !== '') ledger.happens(what);
      happen();
    });
  };
  if (faults > 0) {
    for (let crash = 0; crash < seed % 3; crash += 1) {
      unlessEnded('', () => void restart(upTo(random() < 0.2 ? 600_000 : 30_000)));
    }
    for (let crash = 0; crash < seed % 2; crash += 1) {
      unlessEnded('client crash', () => {
        client.crash();
        client = new SimulatedClient(options);
      });
    }
    if (seed % 5 === 1) unlessEnded('clock jump', () => client.process.jump((random() - 0.5) * 7_200_000));
    if (seed % 5 === 2) unlessEnded('hanging client', () => client.process.hang(upTo(400_000)));
  }

  await time.runUntil(() => ledger.ended, LONGEST);
  if (faults === 0) await time.runUntil(() => false, 300_000);
  if (faults > 0 && seed % 7 === 0 && server.up) {
    ledger.happens('server crash while closing');
    void restart(upTo(20_000));
  }
  const closing = time.frame;
  let closed: number | undefined;
  void client.close().then(() => {
    closed = time.frame;
  });
  await time.runUntil(() => closed !== undefined, 60_000);
  // What the network still carries arrives, what was crashed starts again; what keeps setting timers would show.
  network.faults = 0;
  await time.runUntil(() => false, 700_000);
  const clientTimers = client.process.pending;
  const requests = network.waiting + network.pending;
  let serverTimers: number | undefined;
  void server.stop().then((left) => {
    serverTimers = left;
  });
  await time.runUntil(() => serverTimers !== undefined, 60_000);
  return {
    ledger,
    disk,
    leftOver: { requests, clientTimers, serverTimers: serverTimers ?? Infinity },
    closeMs: (closed ?? Infinity) - closing,
    virtualSeconds: closing / 1000,
  };
}
