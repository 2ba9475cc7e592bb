import { concat, lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestClient } from '../../src/clients/rest.js';
import { ServiceClient } from '../../src/clients/service.js';
import type { TrainingClient } from '../../src/clients/training.js';
import { createServer } from '../../src/local/server/createServer.js';
import { type Listening, listen } from '../../src/local/server/http.js';
import type { Server } from '../../src/local/server/server.js';
import { TestEngine } from '../local/server/support/testEngine.js';

describe('RestClient on the embedded server', () => {
  let server: Server;
  let listening: Listening;
  let service: ServiceClient;
  let training: TrainingClient;
  let rest: RestClient;

  beforeAll(async () => {
    server = await createServer({ engine: new TestEngine() });
    listening = await listen(server);
    service = new ServiceClient({ baseUrl: listening.url });
    rest = new RestClient({ baseUrl: listening.url });
    training = await service.createLoraTrainingClient({ baseModel: 'test/bigram', rank: 4 }).result();
    const saves = [1, 2, 3].map((step) => training.saveState(`step-${step}`));
    await lastValueFrom(concat(...saves, training.saveWeightsForSampler({ path: 'sampler' })));
  });

  afterAll(async () => {
    await rest.close();
    await service.close();
    await server.close();
    await listening.close();
  });

  const all = <T>(list: Observable<T>): Promise<T[]> => lastValueFrom(list.pipe(toArray()));
  const path = (name: string): string => `tinker://${training.modelId}/weights/${name}`;

  it('lists runs, checkpoints and sessions, without a session of its own', async () => {
    const runs = await all(rest.listTrainingRuns());
    expect(runs).toMatchObject([{ trainingRunId: training.modelId, baseModel: 'test/bigram', loraRank: 4 }]);
    expect(await rest.getTrainingRunByTinkerPath(path('step-1')).result()).toEqual(runs[0]);
    const names = async (list: Observable<{ readonly checkpointId: string }>): Promise<string[]> =>
      (await all(list)).map(({ checkpointId }) => checkpointId).sort();
    const saved = ['sampler_weights/sampler', 'weights/step-1', 'weights/step-2', 'weights/step-3'];
    expect(await names(rest.listCheckpoints(training.modelId))).toEqual(saved);
    expect(await names(rest.listUserCheckpoints({ pageSize: 3 }))).toEqual(saved);
    expect(await all(rest.listUserCheckpoints({ pageSize: 1 }).pipe(take(2)))).toHaveLength(2);
    const sessions = await all(rest.listSessions());
    expect(sessions).toHaveLength(1);
    expect(await rest.getSession(sessions[0] ?? '').result()).toMatchObject({ trainingRunIds: [training.modelId] });
  });

  it('publishes, dates and deletes checkpoints', async () => {
    const one = async () =>
      (await all(rest.listCheckpoints(training.modelId))).find(({ tinkerPath }) => tinkerPath === path('step-2'));
    await rest.publishCheckpointFromTinkerPath(path('step-2')).result();
    await rest.setCheckpointTtlFromTinkerPath(path('step-2'), 3600).result();
    expect(await one()).toMatchObject({ public: true, expiresAt: expect.stringMatching(/^20/) as string });
    await rest.unpublishCheckpointFromTinkerPath(path('step-2')).result();
    await rest.setCheckpointTtlFromTinkerPath(path('step-2'), null).result();
    expect(await one()).toMatchObject({ public: false });
    expect(await one()).not.toHaveProperty('expiresAt');
    await rest.deleteCheckpoint(training.modelId, 'weights/step-2').result();
    expect(await one()).toBeUndefined();
    await expect(rest.deleteCheckpoint(training.modelId, 'weights/step-2').result()).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('tells what weights are of', async () => {
    expect(await rest.getWeightsInfoByTinkerPath(path('step-1')).result()).toMatchObject({
      baseModel: 'test/bigram',
      isLora: true,
      loraRank: 4,
    });
    expect((await rest.getServerCapabilities().result()).supportedModels).toContainEqual(
      expect.objectContaining({ modelName: 'test/bigram' }),
    );
  });
});
