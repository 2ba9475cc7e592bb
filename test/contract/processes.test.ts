import { lastValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { ServiceClient, silentLogger, undiciTransport } from '../../src/index.js';
import { startLocalServer } from '../../src/local/index.js';
import { texts } from './support/data.js';
import { type Ended, Program } from './support/program.js';
import { WireLog } from './support/wireLog.js';

const programs: Program[] = [];
const start = (path: string, args: readonly string[] = []): Program => {
  const program = new Program(path, args);
  programs.push(program);
  return program;
};
const serve = async (): Promise<{ readonly server: Program; readonly url: string }> => {
  const server = start('src/cli/main.js', ['serve', '--threads', '1']);
  const [, url = ''] = await server.prints(/listening on (http:\S+)\n/);
  return { server, url };
};
afterEach(() => {
  for (const program of programs.splice(0)) program.kill();
});

describe('a server that is killed in mid-run', () => {
  it('gives a clear error within the deadline, and the process ends by itself', async () => {
    const { server, url } = await serve();
    const training = start('test/contract/programs/trainUntilItFails.js', [url]);
    await training.prints(/(step\n){3}/);
    server.kill();
    const { code, output, errors } = await training.ended;
    expect(errors).toBe('');
    expect(code).toBe(0);
    const failure = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as {
      code: string;
      message: string;
      afterMs: number;
    };
    expect(['lane_broken', 'connection_lost']).toContain(failure.code);
    expect(failure.message).toContain(new URL(url).host);
    expect(failure.message).toMatch(/createTrainingClientFromStateWithOptimizer|subscribe again/);
    // The deadline, and a slow machine's last step.
    expect(failure.afterMs).toBeLessThan(3000 + 2000);
  });
});

describe('a program that forgets to close', () => {
  it('ends, with a server in its process', async () => {
    const { code, output } = await start('test/contract/programs/forgetToClose.js').ended;
    expect({ code, output }).toEqual({ code: 0, output: 'done\n' });
  });

  it('ends, with a server elsewhere', async () => {
    const { url } = await serve();
    const { code, output } = await start('test/contract/programs/forgetToClose.js', [url]).ended;
    expect({ code, output }).toEqual({ code: 0, output: 'done\n' });
  });
});

describe('the session of a program that ends', () => {
  /** Runs a program on a server of this process; gives how it ended and what the server says of its session. */
  async function endOf(
    path: string,
    args: readonly string[],
    signal?: NodeJS.Signals,
  ): Promise<{ ended: Ended; session: string | undefined }> {
    const lines: string[] = [];
    const server = await startLocalServer({ threads: 1, log: (_, message) => lines.push(message) });
    const program = start(path, [server.url, ...args]);
    if (signal !== undefined) {
      await program.prints(/ready/);
      program.kill(signal);
    }
    const ended = await program.ended;
    const [session] = lines.flatMap((line) => /has ended: (.*)/.exec(line)?.[1] ?? []);
    await server.close();
    return { ended, session };
  }
  const waits = 'test/contract/programs/waitForSignal.js';

  it('is finished when there is nothing left to do, though nothing was closed', async () => {
    const { ended, session } = await endOf('test/contract/programs/forgetToClose.js', []);
    expect(ended).toMatchObject({ code: 0, output: 'done\n' });
    expect(session).toBe('its client finished it (success).');
  });

  it('is finished by await using', async () => {
    const { ended, session } = await endOf(waits, ['using']);
    expect(ended).toMatchObject({ code: 0, output: 'ready\n' });
    expect(session).toBe('its client finished it (success).');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'is finished as interrupted by %s, which then does as always',
    async (signal) => {
      const { ended, session } = await endOf(waits, [], signal);
      expect(ended).toMatchObject({ code: null, signal });
      expect(session).toBe('its client finished it (interrupted).');
    },
  );

  it('is left to a program that listens for the signal itself', async () => {
    const { ended, session } = await endOf(waits, ['own'], 'SIGTERM');
    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('saved tinker://') as string });
    expect(session).toContain('interrupted');
  });
});

describe('heartbeats of 0.5 s', () => {
  it('go on during a step of 5 s', async () => {
    const server = await startLocalServer({ threads: 1 });
    const wire = new WireLog(undiciTransport({ baseUrl: server.url }));
    const service = new ServiceClient({
      baseUrl: server.url,
      log: silentLogger,
      transport: wire,
      heartbeatIntervalMs: 500,
    });
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    const measure = async (count: number): Promise<number> => {
      const started = performance.now();
      await lastValueFrom(training.forwardBackward(texts(count, 256), 'cross_entropy', { maxExamples: count }));
      return performance.now() - started;
    };
    await measure(4);
    const perDatum = (await measure(4)) / 4;
    let [took, beats]: [number, readonly number[]] = [0, []];
    // Where the machine was busy with other things, a datum takes less than was measured.
    for (let count = Math.ceil(5000 / perDatum); took < 2500; count *= 2) {
      const before = wire.answeredHeartbeats.length;
      took = await measure(count);
      beats = wire.answeredHeartbeats.slice(before);
    }
    // A busy machine may skip some; a starved one has none.
    expect(beats.length).toBeGreaterThan((0.6 * took) / 500);
    expect(beats.every((status) => status === 200)).toBe(true);
    await service.close();
    await server.close();
  });
});
