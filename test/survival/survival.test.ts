import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../operators/seededRandom.js';
import { checkpointFile } from '../contract/support/checkpointFile.js';
import { Program } from '../contract/support/program.js';
import { type FaultyProxy, faultyProxy } from './faultyProxy.js';

/** The long form is the one of the long checks. */
const plan =
  process.env.RXTINKER_SURVIVAL === 'long'
    ? { steps: 200, every: 10, faults: 0.3, killServerAt: [42, 91, 155], killClientAt: [67, 128] }
    : { steps: 10, every: 3, faults: 0.3, killServerAt: [4], killClientAt: [7] };

const { steps, every, faults } = plan;

describe('a run of real processes over a faulty proxy, both ends of it killed', () => {
  let folder: string;
  const programs: Program[] = [];
  const start = (path: string, args: readonly (string | number)[]): Program => {
    const program = new Program(path, args.map(String));
    programs.push(program);
    return program;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxtinker-survival-'));
  });
  afterAll(async () => {
    for (const program of programs) program.kill();
    await rm(folder, { recursive: true, force: true });
  });

  async function serve(directory: string): Promise<{ readonly program: Program; readonly port: number }> {
    const program = start('src/cli/main.js', ['serve', '--threads', 1, '--data-dir', directory]);
    const [, port] = await program.prints(/listening on http:\S+:(\d+)\n/);
    return { program, port: Number(port) };
  }

  const train = (url: string, file: string): Program =>
    start('test/survival/programs/trainResumably.js', [url, file, steps, every]);

  async function undisturbed(): Promise<Record<'adapter' | 'optimizer', Buffer>> {
    const directory = join(folder, 'undisturbed');
    const { program, port } = await serve(directory);
    const { output, errors, code } = await train(`http://127.0.0.1:${port}`, join(folder, 'undisturbed.jsonl')).ended;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(output).not.toContain('interrupted');
    program.kill();
    return weights(directory, output);
  }

  async function weights(directory: string, output: string): Promise<Record<'adapter' | 'optimizer', Buffer>> {
    const [, path = ''] = /^finished (\S+)$/m.exec(output) ?? [];
    return {
      adapter: await readFile(await checkpointFile(directory, path, 'adapter')),
      optimizer: await readFile(await checkpointFile(directory, path, 'optimizer')),
    };
  }

  /** Waits until the client has told of a step, then kills what is to be killed there. */
  async function disturbed(proxy: FaultyProxy, directory: string): Promise<string> {
    const file = join(folder, 'disturbed.jsonl');
    let server = await serve(directory);
    proxy.serverPort = server.port;
    let client = train(proxy.url, file);
    const kills = [
      ...plan.killServerAt.map((step) => ({ step, what: 'server' })),
      ...plan.killClientAt.map((step) => ({ step, what: 'client' })),
    ].sort((a, b) => a.step - b.step);
    for (const { step, what } of kills) {
      await client.prints(new RegExp(`^step ${step}$`, 'm'));
      if (what === 'server') {
        server.program.kill();
        await server.program.ended;
        server = await serve(directory);
        proxy.serverPort = server.port;
      } else {
        client.kill();
        outputs.push((await client.ended).output);
        client = train(proxy.url, file);
      }
    }
    const { output, errors, code } = await client.ended;
    outputs.push(output);
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    server.program.kill();
    return output;
  }

  const outputs: string[] = [];

  it(
    `ends in the same weights after ${steps} steps, bit for bit, as one that nothing disturbed`,
    { timeout: 1_200_000 },
    async () => {
      const began = performance.now();
      const proxy = await faultyProxy(0, faults, seededRandom(7));
      const directory = join(folder, 'disturbed');
      const [expected, output] = await Promise.all([undisturbed(), disturbed(proxy, directory)]);
      await proxy.close();
      const actual = await weights(directory, output);
      expect(Buffer.compare(actual.adapter, expected.adapter)).toBe(0);
      expect(Buffer.compare(actual.optimizer, expected.optimizer)).toBe(0);
      // Faults there were, and interruptions by the kills of the server.
      const happened = [...proxy.happened].map(([what, times]) => `${what} ${times}`).join(', ');
      const interruptions = outputs.join('').match(/^interrupted/gm)?.length ?? 0;
      console.log(
        `${steps} steps, ${proxy.requests} requests through the proxy (${happened}), server killed ` +
          `${plan.killServerAt.length} times, client ${plan.killClientAt.length} times, ${interruptions} resumes within ` +
          `a process, ${((performance.now() - began) / 1000).toFixed(0)} s: same bits`,
      );
      expect(interruptions).toBeGreaterThanOrEqual(plan.killServerAt.length);
      expect(proxy.happened.size).toBeGreaterThan(3);
    },
  );
});
