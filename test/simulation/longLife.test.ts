import { type Observable, defer, forkJoin, map, mergeMap, timer } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { ServiceClient } from '../../src/clients/service.js';
import type { TrainingClient } from '../../src/clients/training.js';
import { TinkerError } from '../../src/errors.js';
import { seededRandom } from '../../operators/seededRandom.js';
import type { TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import { token } from '../auth/tokens.js';
import { batchOf } from './batchOf.js';
import { Ledger } from './ledger.js';
import { SimulatedDisk } from './simulatedDisk.js';
import { SimulatedNetwork } from './simulatedNetwork.js';
import { SimulatedProcess } from './simulatedProcess.js';
import { SimulatedServer } from './simulatedServer.js';
import { SimulatedTime } from './simulatedTime.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A request as the server would get it, with the hour of its run. */
type Answer = (request: TransportRequest, atMs: number) => TransportResponse | undefined;

const json = (status: number, body: object, headers: Record<string, string> = {}): TransportResponse => ({
  status,
  headers,
  body: new TextEncoder().encode(JSON.stringify(body)),
});

describe('a client that lives long', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** The real client and the real server core under virtual time; `answer` may answer in the server's place. */
  async function start(answer: Answer = () => undefined) {
    const time = new SimulatedTime();
    const ledger = new Ledger();
    const server = new SimulatedServer({
      ...{ time, ledger, seams: {}, seed: 1, pollHoldMs: 40_000 },
      disk: new SimulatedDisk(seededRandom(1)),
    });
    await server.start();
    const process = new SimulatedProcess(time);
    const network = new SimulatedNetwork(time, server, ledger, seededRandom(2), 0).transport(process);
    const requests = new Map<string, number>();
    const service = new ServiceClient({
      baseUrl: 'http://simulated.invalid',
      apiKey: 'tml-own',
      scheduler: process,
      random: seededRandom(3),
      log: { debug: () => undefined, info: () => undefined, warn: tell, error: tell },
      transport: {
        ...network,
        send: (request): Observable<TransportResponse> =>
          defer(() => {
            const name = request.path.replace(/.*\//, '');
            requests.set(name, (requests.get(name) ?? 0) + 1);
            const given = answer(request, time.frame);
            return given === undefined ? network.send(request) : timer(5, process).pipe(map(() => given));
          }),
      },
    });
    function tell(line: string): void {
      ledger.warnings.push(line);
    }
    ends.push(async () => {
      void service.close();
      await time.runUntil(() => false, 20 * SECOND);
      void server.stop();
      await time.runUntil(() => false, MINUTE);
    });
    let training: TrainingClient | undefined;
    service
      .createLoraTrainingClient({ baseModel: 'simulated', rank: 2, seed: 1 })
      .subscribe((made) => (training = made));
    await time.runUntil(() => training !== undefined, MINUTE);
    if (training === undefined) throw new Error('no model');
    return { time, ledger, process, service, training, requests };
  }

  it('trains through 24 hours of heartbeats, pauses and token refreshes', async () => {
    let tokens = 0;
    const began = performance.now();
    const { time, ledger, process, training, requests } = await start((request, atMs) => {
      const isTraining = /forward_backward|optim_step|retrieve_future$/.test(request.path);
      if (request.path.endsWith('client/config')) return json(200, { pjwt_auth_enabled: true });
      if (request.path.endsWith('auth/token')) {
        const now = (SimulatedTime.start + atMs) / SECOND;
        return json(200, { jwt: token({ jti: (tokens += 1), iat: now, exp: now + HOUR / SECOND }) });
      }
      // A bill is unpaid for half an hour, later the server has too much to do for ten minutes.
      if (isTraining && atMs > 6 * HOUR && atMs < 6.5 * HOUR) return json(402, { detail: 'out of credit' });
      if (isTraining && atMs > 12 * HOUR && atMs < 12 * HOUR + 10 * MINUTE) {
        return json(429, { detail: 'busy' }, { 'retry-after': '20' });
      }
      return undefined;
    });
    const done: number[] = [];
    const failed: unknown[] = [];
    const steps = timer(0, 2 * MINUTE, process).pipe(
      mergeMap((step) =>
        forkJoin([
          training.forwardBackward(batchOf(step), 'cross_entropy'),
          training.optimStep({ learningRate: 1e-3 }),
        ]).pipe(map(() => step)),
      ),
    );
    const running = steps.subscribe({ next: (step) => done.push(step), error: (error) => failed.push(error) });
    await time.runUntil(() => false, 24 * HOUR);
    running.unsubscribe();
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `24 h in ${seconds.toFixed(1)} s: ${done.length} steps, ${requests.get('session_heartbeat')} heartbeats, ` +
        `${tokens} tokens, ${[...requests.values()].reduce((sum, count) => sum + count, 0)} requests`,
    );
    expect(failed).toEqual([]);
    expect(done).toEqual(Array.from({ length: done.length }, (_, step) => step));
    expect(done.length).toBeGreaterThanOrEqual(12 * 60);
    expect(ledger.executed.get(training.modelId)).toHaveLength(2 * done.length);
    expect(requests.get('create_session')).toBe(1);
    expect(requests.get('session_heartbeat')).toBeGreaterThan(8_600);
    expect(tokens).toBeGreaterThanOrEqual(24);
    // Half an hour of unpaid bills is told once a minute, and nothing else.
    const notices = ledger.warnings.filter((line) => line.includes('billing'));
    expect(notices.length).toBeGreaterThan(20);
    expect(notices.length).toBeLessThanOrEqual(31);
    expect(ledger.warnings).toEqual(notices);
  }, 120_000);

  it.each([
    [190, 'keeps its session, and says how long it was blocked'],
    [400, 'loses its model to the server’s 300 s of silence, and says why'],
  ])('whose event loop is blocked for %i s %s', async (blockedSeconds) => {
    const { time, ledger, process, training } = await start();
    await time.runUntil(() => false, 30 * SECOND);
    process.hang(blockedSeconds * SECOND);
    await time.runUntil(() => false, (blockedSeconds + 30) * SECOND);
    const blocked = ledger.warnings.filter((line) => line.includes('event loop'));
    expect(blocked).toHaveLength(1);
    const [, told] = /blocked for (\d+) s/.exec(blocked[0] ?? '') ?? [];
    // It is known to a heartbeat's interval.
    expect(Number(told)).toBeGreaterThanOrEqual(blockedSeconds - 10);
    expect(Number(told)).toBeLessThanOrEqual(blockedSeconds);
    let outcome = '';
    training.optimStep().subscribe({
      next: () => (outcome = 'done'),
      error: (error: unknown) => (outcome = error instanceof TinkerError ? error.code : String(error)),
    });
    await time.runUntil(() => outcome !== '', MINUTE);
    expect(outcome).toBe(blockedSeconds < 300 ? 'done' : 'model_lost');
  });

  it('that sleeps shortly says nothing', async () => {
    const { time, ledger, process } = await start();
    process.hang(9 * SECOND);
    await time.runUntil(() => false, 5 * MINUTE);
    expect(ledger.warnings).toEqual([]);
  });
});
