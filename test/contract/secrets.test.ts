import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { lastValueFrom, tap } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceClient, fileCheckpointLog, resumable, undiciTransport } from '../../src/index.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { recordTransport } from '../../src/testing/index.js';
import { batches } from './support/data.js';
import { failureOf } from './support/failureOf.js';

const KEY = 'tml-the-key-that-nothing-may-show';
const OTHER = 'tml-another-key-that-nothing-may-show';

describe('the key of a session', () => {
  let folder: string;
  let server: LocalServer;
  /** Whatever a person could read: logs of both ends, events, errors, what telemetry sent. */
  const told: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxtinker-secrets-'));
    server = await startLocalServer({
      threads: 1,
      dataDir: join(folder, 'data'),
      apiKeys: [KEY, OTHER],
      log: (level, message) => told.push(`${level} ${message}`),
    });
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A client that tells everything, and whose requests are recorded and looked at. */
  function open(apiKey: string, recording: string): ServiceClient {
    const log = (message: string): void => void told.push(message);
    const http = recordTransport(join(folder, recording), undiciTransport({ baseUrl: server.url }));
    return new ServiceClient({
      baseUrl: server.url,
      apiKey,
      telemetry: true,
      log: { debug: log, info: log, warn: log, error: log },
      transport: {
        send: (request) => {
          // Headers carry it; neither a path nor a body may.
          told.push(request.path, typeof request.body === 'string' ? request.body : String(request.body?.length));
          return http.send(request).pipe(tap(({ body }) => told.push(new TextDecoder().decode(body))));
        },
        close: () => http.close(),
      },
    });
  }

  it('is in no log, error, event, recording, telemetry or file of a whole run', async () => {
    const service = open(KEY, 'recording.jsonl');
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    training.events$.subscribe((event) => told.push(inspect(event, { depth: 8 })));
    training.telemetry.log({ name: 'began', data: { step: 0 } });
    await lastValueFrom(
      resumable(service, {
        run: 'secrets',
        log: fileCheckpointLog(join(folder, 'checkpoints.jsonl')),
        model: { baseModel: 'rxtinker/tiny', rank: 4 },
        batches: (startStep) => batches(3, { from: startStep }),
        checkpointEvery: 2,
        loss: 'cross_entropy',
      }).pipe(tap((event) => told.push(inspect(event, { depth: 6 })))),
    );
    const { path } = await training.saveState('state').result();
    await lastValueFrom(service.rest.downloadCheckpoint(path, { directory: join(folder, 'adapter') }));
    const errors = [
      await failureOf(() => service.createLoraTrainingClient({ baseModel: 'not/there' }).result()),
      await failureOf(() => training.loadState(`tinker://${training.modelId}/weights/none`).result()),
      await failureOf(() => training.saveState('state').result()),
      await failureOf(() => service.rest.getSession('none').result()),
    ];
    await service.close();
    const wrong = open('tml-a-wrong-key-that-nothing-may-show', 'wrong.jsonl');
    errors.push(await failureOf(() => wrong.createLoraTrainingClient({ baseModel: 'rxtinker/tiny' }).result()));
    await wrong.close();
    // Another tenant's refusals must not tell of the first one either.
    const other = open(OTHER, 'other.jsonl');
    errors.push(await failureOf(() => other.createTrainingClientFromState(path).result()));
    await other.close();
    expect(errors.map(({ code }) => code)).toContain('unauthenticated');
    told.push(...errors.map((error) => inspect(error, { depth: 12, showHidden: true })));
    told.push(inspect(service, { depth: 1 }));

    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const contents = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')));
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['recording.jsonl', 'checkpoints.jsonl', 'manifest.json', 'adapter_config.json']),
    );
    expect(told.length).toBeGreaterThan(100);
    const shown = [...told, ...contents, ...files.map(({ name }) => name)].filter((text) =>
      text.includes('that-nothing-may-show'),
    );
    expect(shown).toEqual([]);
  }, 120_000);
});
