import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linearDecay, trainSteps } from '../../operators/index.js';
import { ServiceClient, type TrainingClient, silentLogger } from '../../src/index.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { checkpointFile } from './support/checkpointFile.js';
import { batches } from './support/data.js';

let directory: string;
let server: LocalServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-resume-'));
  server = await startLocalServer({ dataDir: directory });
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** Runs with a service of its own, which is closed at the end. */
async function withService<T>(use: (service: ServiceClient) => Promise<T>): Promise<T> {
  await using service = new ServiceClient({ baseUrl: server.url, log: silentLogger });
  return await use(service);
}
const openModel = (service: ServiceClient): Promise<TrainingClient> =>
  service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4, seed: 3 }).result();

const adam = linearDecay({ from: 1e-2, steps: 60 });
const train = (training: TrainingClient, from: number, to: number): Promise<unknown> =>
  lastValueFrom(
    trainSteps(training, batches(to, { from }), { loss: 'cross_entropy', adam, startStep: from, depth: 2 }),
  );
const saved = async (training: TrainingClient, name: string): Promise<string> =>
  (await training.saveState(name).result()).path;

const bytesOf = async (path: string, part: 'adapter' | 'optimizer'): Promise<Buffer> =>
  readFile(await checkpointFile(directory, path, part));

describe('a run of 50 steps that is saved at 20, closed and resumed', () => {
  let whole: string;
  let saveAt20: string;

  beforeAll(async () => {
    whole = await withService(async (service) => {
      const training = await openModel(service);
      await train(training, 0, 50);
      return saved(training, 'whole');
    });
    saveAt20 = await withService(async (service) => {
      const training = await openModel(service);
      await train(training, 0, 20);
      return saved(training, 'twenty');
    });
  });

  it('with its optimizer ends in the same weights, bit for bit, as one that never stopped', async () => {
    const resumed = await withService(async (service) => {
      const training = await service.createTrainingClientFromStateWithOptimizer(saveAt20).result();
      await train(training, 20, 50);
      return saved(training, 'resumed');
    });
    expect(await bytesOf(resumed, 'adapter')).toEqual(await bytesOf(whole, 'adapter'));
    expect(await bytesOf(resumed, 'optimizer')).toEqual(await bytesOf(whole, 'optimizer'));
    expect(await bytesOf(saveAt20, 'adapter')).not.toEqual(await bytesOf(whole, 'adapter'));
  });

  it('without its optimizer does not', async () => {
    const resumed = await withService(async (service) => {
      const training = await service.createTrainingClientFromState(saveAt20).result();
      await train(training, 20, 50);
      return saved(training, 'anew');
    });
    expect(await bytesOf(resumed, 'adapter')).not.toEqual(await bytesOf(whole, 'adapter'));
  });
});

describe('trainSteps', () => {
  it('saves the same checkpoint after step 20 at depth 1, 2 and 4', async () => {
    const run = (depth: number): Promise<string> =>
      withService(async (service) => {
        const training = await openModel(service);
        const paths: string[] = [];
        const steps = trainSteps(training, batches(24), {
          loss: 'cross_entropy',
          adam,
          depth,
          after: [
            {
              every: 20,
              do: async ({ done }) => {
                paths.push(await saved(training, `after-${done}`));
              },
            },
          ],
        });
        expect(await lastValueFrom(steps.pipe(toArray()))).toHaveLength(24);
        expect(paths).toHaveLength(1);
        return paths[0] ?? '';
      });
    const [one, two, four] = [await run(1), await run(2), await run(4)];
    expect(new Set([one, two, four]).size).toBe(3);
    for (const part of ['adapter', 'optimizer'] as const) {
      const first = await bytesOf(one, part);
      expect(first.length).toBeGreaterThan(1000);
      expect(await bytesOf(two, part)).toEqual(first);
      expect(await bytesOf(four, part)).toEqual(first);
    }
  });
});
