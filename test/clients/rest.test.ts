import { lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AdminClient } from '../../src/clients/admin.js';
import { RestClient } from '../../src/clients/rest.js';
import { ServiceClient } from '../../src/clients/service.js';
import type { ServiceOptions } from '../../src/clients/serviceOptions.js';
import { silentLogger } from '../../src/log.js';
import { type StubAnswer, type StubRequest, stubServer } from './support/stubServer.js';

const checkpoint = (name: string) => ({
  checkpoint_id: `weights/${name}`,
  checkpoint_type: 'training',
  time: '2026-01-01T00:00:00Z',
  tinker_path: `tinker://run/weights/${name}`,
  user_metadata: { step: '3' },
});
const readCheckpoint = (name: string) => ({
  checkpointId: `weights/${name}`,
  checkpointType: 'training',
  time: '2026-01-01T00:00:00Z',
  tinkerPath: `tinker://run/weights/${name}`,
  public: false,
  userMetadata: { step: '3' },
});
const run = (id: string) => ({
  training_run_id: id,
  base_model: 'base',
  model_owner: 'me',
  is_lora: true,
  lora_rank: 8,
  last_request_time: '2026-01-01T00:00:00Z',
});
const readRun = (id: string) => ({
  trainingRunId: id,
  baseModel: 'base',
  modelOwner: 'me',
  isLora: true,
  corrupted: false,
  loraRank: 8,
  lastRequestTime: '2026-01-01T00:00:00Z',
});

async function restOn(
  answer: (request: StubRequest) => StubAnswer,
  options: ServiceOptions = {},
): Promise<{ rest: RestClient; requests: StubRequest[]; url: string }> {
  const { url, requests } = await stubServer(answer);
  const rest = new RestClient({ baseUrl: url, log: silentLogger, ...options });
  onTestFinished(() => rest.close());
  return { rest, requests, url };
}

const all = <T>(list: Observable<T>): Promise<T[]> => lastValueFrom(list.pipe(toArray()));
const lines = (requests: readonly StubRequest[]): string[] => requests.map(({ line }) => line.replace('/api/v1/', ''));

interface Case {
  readonly call: (rest: RestClient) => Observable<unknown>;
  readonly line: string;
  readonly body?: unknown;
  readonly answer?: unknown;
  readonly result?: unknown;
}

const cases: Readonly<Record<string, Case>> = {
  getServerCapabilities: {
    call: (rest) => rest.getServerCapabilities(),
    line: 'GET get_server_capabilities',
    answer: { supported_models: [{ model_name: 'base', max_context_length: 9 }] },
    result: { supportedModels: [{ modelName: 'base', maxContextLength: 9 }] },
  },
  getTrainingRun: {
    call: (rest) => rest.getTrainingRun('run:train:0', { accessScope: 'accessible' }),
    line: 'GET training_runs/run%3Atrain%3A0?access_scope=accessible',
    answer: { ...run('run:train:0'), last_checkpoint: checkpoint('a') },
    result: { ...readRun('run:train:0'), lastCheckpoint: readCheckpoint('a') },
  },
  getTrainingRunByTinkerPath: {
    call: (rest) => rest.getTrainingRunByTinkerPath('tinker://run/sampler_weights/a'),
    line: 'GET training_runs/run?access_scope=owned',
    answer: run('run'),
    result: readRun('run'),
  },
  getWeightsInfoByTinkerPath: {
    call: (rest) => rest.getWeightsInfoByTinkerPath('tinker://run/weights/a'),
    line: 'POST weights_info',
    body: { tinker_path: 'tinker://run/weights/a' },
    answer: { base_model: 'base', is_lora: true, lora_rank: 8 },
    result: { baseModel: 'base', isLora: true, loraRank: 8 },
  },
  listCheckpoints: {
    call: (rest) => rest.listCheckpoints('run').pipe(toArray()),
    line: 'GET training_runs/run/checkpoints',
    answer: { checkpoints: [checkpoint('a'), checkpoint('b')] },
    result: [readCheckpoint('a'), readCheckpoint('b')],
  },
  deleteCheckpoint: {
    call: (rest) => rest.deleteCheckpoint('run', 'weights/a'),
    line: 'DELETE training_runs/run/checkpoints/weights/a',
  },
  deleteCheckpointFromTinkerPath: {
    call: (rest) => rest.deleteCheckpointFromTinkerPath('tinker://run/external_weights/a'),
    line: 'DELETE training_runs/run/checkpoints/external_weights/a',
  },
  publishCheckpointFromTinkerPath: {
    call: (rest) => rest.publishCheckpointFromTinkerPath('tinker://run/weights/a'),
    line: 'POST training_runs/run/checkpoints/weights/a/publish',
  },
  unpublishCheckpointFromTinkerPath: {
    call: (rest) => rest.unpublishCheckpointFromTinkerPath('tinker://run/weights/a'),
    line: 'DELETE training_runs/run/checkpoints/weights/a/publish',
  },
  setCheckpointTtlFromTinkerPath: {
    call: (rest) => rest.setCheckpointTtlFromTinkerPath('tinker://run/weights/a', 3600),
    line: 'PUT training_runs/run/checkpoints/weights/a/ttl',
    body: { ttl_seconds: 3600 },
  },
  'setCheckpointTtlFromTinkerPath, for ever': {
    call: (rest) => rest.setCheckpointTtlFromTinkerPath('tinker://run/weights/a', null),
    line: 'PUT training_runs/run/checkpoints/weights/a/ttl',
    body: { ttl_seconds: null },
  },
  copyWeights: {
    call: (rest) => rest.copyWeights('tinker://run/weights/a', { destinationProjectId: 'p', ttlSeconds: 7200 }),
    line: 'POST copy_weights',
    body: { source_path: 'tinker://run/weights/a', destination_project_id: 'p', ttl_seconds: 7200 },
    answer: { tinker_path: 'tinker://copy/weights/a' },
    result: { path: 'tinker://copy/weights/a' },
  },
  getExternalWeightsUrls: {
    call: (rest) => rest.getExternalWeightsUrls('tinker://run/external_weights/a'),
    line: 'GET training_runs/run/checkpoints/external_weights/a/external_weights_urls',
    answer: { urls: { 'adapter.safetensors': 'https://files/1' }, expires: '2026-01-01T00:00:00Z' },
    result: { urls: { 'adapter.safetensors': 'https://files/1' }, expires: '2026-01-01T00:00:00Z' },
  },
  'getCheckpointArchiveUrl, told in JSON': {
    call: (rest) => rest.getCheckpointArchiveUrl('tinker://run/weights/a'),
    line: 'GET training_runs/run/checkpoints/weights/a/archive',
    answer: { url: 'https://files/a.tar', expires: 'later' },
    result: { url: 'https://files/a.tar', expires: 'later' },
  },
  getSession: {
    call: (rest) => rest.getSession('s'),
    line: 'GET sessions/s?access_scope=owned',
    answer: { training_run_ids: ['r'], sampler_ids: [], user_metadata: null, display_name: 'Night' },
    result: { trainingRunIds: ['r'], samplerIds: [], displayName: 'Night' },
  },
  assignSessionProject: {
    call: (rest) => rest.assignSessionProject('s', 'p'),
    line: 'PUT sessions/s/project',
    body: { project_id: 'p' },
  },
  exportSessionTrace: {
    call: (rest) => rest.exportSessionTrace('s'),
    line: 'GET sessions/s/trace_export',
    answer: { status: 'ready', url: 'https://files/trace' },
    result: 'https://files/trace',
  },
  getSampler: {
    call: (rest) => rest.getSampler('x'),
    line: 'GET samplers/x',
    answer: { sampler_id: 'x', base_model: 'base', model_path: 'tinker://run/sampler_weights/a' },
    result: { samplerId: 'x', baseModel: 'base', modelPath: 'tinker://run/sampler_weights/a' },
  },
  searchSessions: {
    call: (rest) =>
      rest
        .searchSessions({
          displayName: 'night',
          owner: { ownerUrns: ['urn:1'] },
          statuses: ['active', { type: 'client_finished', reasons: ['errored'] }],
          pageSize: 2,
        })
        .pipe(toArray()),
    line: 'POST sessions/search',
    body: {
      user_metadata: {},
      display_name: 'night',
      owner: { type: 'user', owner_urns: ['urn:1'] },
      statuses: [{ type: 'active' }, { type: 'client_finished', reasons: ['errored'] }],
      limit: 2,
    },
    answer: {
      sessions: [
        {
          session_id: 's',
          created_at: '2026-01-01T00:00:00Z',
          owner: 'urn:1',
          project_id: 'p',
          checkpoints_count: 2,
          status: {
            type: 'failed',
            category: 'user',
            message: 'bad data',
            reason: { type: 'training_run', training_run_id: 'r' },
          },
        },
        {
          session_id: 't',
          created_at: '2026-01-01T00:00:00Z',
          owner: 'urn:1',
          project_id: 'p',
          checkpoints_count: 0,
          status: { type: 'sleeping' },
        },
      ],
    },
    result: [
      {
        sessionId: 's',
        createdAt: '2026-01-01T00:00:00Z',
        owner: 'urn:1',
        projectId: 'p',
        checkpointsCount: 2,
        status: {
          type: 'failed',
          category: 'user',
          message: 'bad data',
          reason: { type: 'training_run', trainingRunId: 'r' },
        },
      },
      {
        sessionId: 't',
        createdAt: '2026-01-01T00:00:00Z',
        owner: 'urn:1',
        projectId: 'p',
        checkpointsCount: 0,
        status: { type: 'unknown' },
      },
    ],
  },
};

describe('RestClient', () => {
  it.each(Object.entries(cases))('%s sends one request and reads its answer', async (_, expected) => {
    const { rest, requests } = await restOn(() => ({ json: expected.answer ?? {} }));
    expect(await lastValueFrom(expected.call(rest))).toEqual(expected.result);
    expect(lines(requests)).toEqual([expected.line]);
    expect(requests[0]?.body).toEqual(expected.body);
  });

  it('asks for a page of a list when the one before was taken, and for no more than was wanted', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const page = ({ line }: StubRequest): StubAnswer => {
      const query = new URL(line.replace(/^GET /, ''), 'http://stub').searchParams;
      const [limit, offset] = [Number(query.get('limit')), Number(query.get('offset'))];
      return {
        json: {
          training_runs: ids.slice(offset, offset + limit).map(run),
          cursor: { limit, offset, total_count: ids.length },
        },
      };
    };
    const { rest, requests } = await restOn(page);
    const list = rest.listTrainingRuns({ pageSize: 2, projectId: 'p q' });
    const query = (offset: number) => `GET training_runs?limit=2&offset=${offset}&access_scope=owned&project_id=p+q`;
    expect(await all(list.pipe(take(2)))).toEqual([readRun('a'), readRun('b')]);
    expect(lines(requests)).toEqual([query(0)]);
    expect(await all(list)).toEqual(ids.map(readRun));
    expect(lines(requests).slice(1)).toEqual([query(0), query(2), query(4)]);
  });

  it('ends a list without a total after a short page, and one of checkpoints at its total', async () => {
    const { rest, requests } = await restOn(({ line }) =>
      line.includes('sessions?')
        ? { json: { sessions: line.includes('offset=0') ? ['a', 'b'] : ['c'] } }
        : {
            json: { checkpoints: [checkpoint('a'), checkpoint('b')], cursor: { limit: 2, offset: 0, total_count: 2 } },
          },
    );
    expect(await all(rest.listSessions({ pageSize: 2 }))).toEqual(['a', 'b', 'c']);
    expect(await all(rest.listUserCheckpoints({ pageSize: 2 }))).toHaveLength(2);
    expect(lines(requests)).toEqual([
      'GET sessions?limit=2&offset=0&access_scope=owned',
      'GET sessions?limit=2&offset=2&access_scope=owned',
      'GET checkpoints?limit=2&offset=0',
    ]);
  });

  it('hands the cursor of a search back as it came', async () => {
    const cursor = { last_created_at: '2026-01-01T00:00:00.123456Z', last_session_id: 's1' };
    const summary = (id: string) => ({
      session_id: id,
      created_at: 'now',
      owner: 'o',
      project_id: 'p',
      checkpoints_count: 0,
    });
    const { rest, requests } = await restOn(({ body }) =>
      'cursor' in (body as object)
        ? { json: { sessions: [summary('s2')], next_cursor: null } }
        : { json: { sessions: [summary('s1')], next_cursor: cursor } },
    );
    const found = await all(rest.searchSessions());
    expect(found.map(({ sessionId }) => sessionId)).toEqual(['s1', 's2']);
    expect(requests.map(({ body }) => (body as { cursor?: object }).cursor)).toEqual([undefined, cursor]);
  });

  it('reads the archive of a checkpoint from a redirect', async () => {
    const headers = { location: 'https://files/a.tar?signed', expires: 'Thu, 01 Jan 2026 00:00:00 GMT' };
    const { rest } = await restOn(() => ({ status: 302, headers }));
    expect(await rest.getCheckpointArchiveUrl('tinker://run/weights/a').result()).toEqual({
      url: headers.location,
      expires: headers.expires,
    });
  });

  it('carries the access token of a copy in a header, and one idempotency key over its retries', async () => {
    const { rest, requests } = await restOn(
      () =>
        requests.length === 1
          ? { status: 500, headers: { 'retry-after-ms': '1' } }
          : { json: { tinker_path: 'tinker://c/weights/a' } },
      { projectId: 'mine' },
    );
    const options = { weightsAccessToken: 'token-1' };
    expect(await rest.copyWeights('tinker://run/weights/a', options).result()).toEqual({
      path: 'tinker://c/weights/a',
    });
    const [first, second] = requests;
    expect(first?.headers['x-tinker-weights-access-token']).toBe('token-1');
    expect(first?.body).toEqual({ source_path: 'tinker://run/weights/a', destination_project_id: 'mine' });
    expect(second?.headers['x-idempotency-key']).toBe(first?.headers['x-idempotency-key']);
  });

  it('finishes a change that nobody waits for any more, and does it once', async () => {
    let answered: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (answered = resolve));
    const { rest, requests } = await restOn(() => {
      answered?.();
      return {};
    });
    const change = rest.deleteCheckpoint('run', 'weights/a');
    const subscription = change.subscribe();
    await arrived;
    subscription.unsubscribe();
    await change.result();
    await change.result();
    expect(lines(requests)).toHaveLength(1);
  });

  it.each([
    'run/weights/a',
    'tinker://run/weights',
    'tinker://run/weights/a/b',
    'tinker:///weights/a',
    'tinker://run/optimizer/a',
  ])('refuses the path %s at the call', async (path) => {
    const { rest, requests } = await restOn(() => ({}));
    const refused = expect.objectContaining({ code: 'invalid_argument' }) as Error;
    expect(() => rest.deleteCheckpointFromTinkerPath(path)).toThrow(refused);
    expect(() => rest.getCheckpointArchiveUrl(path)).toThrow('Expected a path like tinker://<run>/<kind>/<name>');
    expect(requests).toEqual([]);
  });

  it('refuses wrong arguments at the call', async () => {
    const { rest } = await restOn(() => ({}));
    expect(() => rest.getExternalWeightsUrls('tinker://run/weights/a')).toThrow('external_weights/<name>');
    expect(() => rest.copyWeights('tinker://run/weights/a')).toThrow('TINKER_PROJECT_ID');
    expect(() => rest.setCheckpointTtlFromTinkerPath('tinker://run/weights/a', 0)).toThrow('ttlSeconds');
    expect(() => rest.listSessions({ pageSize: 0 })).toThrow('pageSize');
    expect(() => rest.searchSessions({ owner: { ownerUrns: [] } })).toThrow('1 to 10 ownerUrns');
    expect(() => rest.searchSessions({ statuses: [] })).toThrow('at least one status');
    expect(() => rest.getTrainingRun('')).toThrow('trainingRunId');
  });

  it('fails what waits and what comes later when it is closed', async () => {
    const { rest } = await restOn(() => ({ json: { status: 'pending' } }));
    const closed = { code: 'closed' };
    const waiting = expect(rest.exportSessionTrace('s').result()).rejects.toMatchObject(closed);
    await rest.close();
    await waiting;
    await expect(rest.getSession('s').result()).rejects.toMatchObject(closed);
    await expect(all(rest.listSessions())).rejects.toMatchObject(closed);
  });

  it('is at hand in a service, whose session it never makes', async () => {
    const { url, requests } = await stubServer(() => ({ json: { sessions: [] } }));
    const service = new ServiceClient({ baseUrl: url });
    await all(service.rest.listSessions());
    await service.rest.close();
    await all(service.rest.listSessions());
    await service.close();
    expect(new Set(lines(requests))).toEqual(new Set(['GET sessions?limit=20&offset=0&access_scope=owned']));
  });
});

describe('saveWeightsExternal', () => {
  it('exports weights by a request in the lane', async () => {
    const path = 'tinker://run/external_weights/out';
    const results: Readonly<Record<string, unknown>> = { model: { model_id: 'run' }, saved: { path, size_bytes: 12 } };
    const answers: Readonly<Record<string, (body: unknown) => unknown>> = {
      create_session: () => ({ session_id: 's' }),
      create_model: () => ({ request_id: 'model' }),
      get_info: () => ({ model_id: 'run', model_data: { model_name: 'base' } }),
      save_weights_external: () => ({ request_id: 'saved' }),
      retrieve_future: (body) => results[(body as { request_id: string }).request_id],
    };
    const { url, requests } = await stubServer(({ line, body }) => ({
      json: answers[line.replace(/.*\//, '')]?.(body) ?? {},
    }));
    const service = new ServiceClient({ baseUrl: url, log: silentLogger });
    onTestFinished(() => service.close());
    const training = await service.createLoraTrainingClient({ baseModel: 'base' }).result();
    const saved = training.saveWeightsExternal('out', { ttlSeconds: 3600, ageEncryptionRecipients: ['age1x'] });
    expect(await saved.result()).toEqual({ path, sizeBytes: 12 });
    expect(requests.find(({ line }) => line.endsWith('save_weights_external'))?.body).toEqual({
      model_id: 'run',
      path: 'out',
      seq_id: 1,
      ttl_seconds: 3600,
      age_encryption_recipients: ['age1x'],
      type: 'save_weights_external',
    });
    const recipients = Array.from({ length: 11 }, () => 'age1x');
    expect(() => training.saveWeightsExternal('out', { ageEncryptionRecipients: recipients })).toThrow('1 to 10');
  });
});

describe('AdminClient', () => {
  async function adminOn(json: unknown): Promise<{ admin: AdminClient; requests: StubRequest[] }> {
    const { url, requests } = await stubServer(() => ({ json }));
    const admin = new AdminClient({ baseUrl: url });
    onTestFinished(() => admin.close());
    return { admin, requests };
  }

  it('reads the audit log of a day', async () => {
    const entry = { timestamp: 't', event: 'checkpoint_read', event_details: { who_did: 'me' } };
    const { admin, requests } = await adminOn({ entries: [entry] });
    expect(await admin.getAuditLog({ eventType: 'checkpoints', day: '2026-01-15' }).result()).toEqual([
      { timestamp: 't', event: 'checkpoint_read', eventDetails: { who_did: 'me' } },
    ]);
    expect(lines(requests)).toEqual(['GET audit?event_type=checkpoints&day=2026-01-15']);
    expect(() => admin.getAuditLog({ day: 'today' })).toThrow('YYYY-MM-DD');
  });

  it('reads usage of every kind, also of kinds it does not know', async () => {
    const bucket = { bucket_start: 'a', bucket_end: 'b' };
    const { admin, requests } = await adminOn({
      data: [
        { ...bucket, base_model: 'm', event_info: { type: 'training', token_count: 5 } },
        { ...bucket, event_info: { type: 'storage', gigabyte_hours: 0.5 } },
        { ...bucket, event_info: { type: 'dreaming', hours: 2 } },
      ],
      sessions: { s: { user_metadata: { a: 'b' } } },
    });
    const read = { bucketStart: 'a', bucketEnd: 'b' };
    expect(await admin.getBillingUsage('2026-01-01', new Date(Date.UTC(2026, 0, 2))).result()).toEqual({
      data: [
        { ...read, baseModel: 'm', eventInfo: { type: 'training', tokenCount: 5 } },
        { ...read, eventInfo: { type: 'storage', free: false, gigabyteHours: 0.5 } },
        { ...read, eventInfo: { type: 'unknown' } },
      ],
      sessions: { s: { userMetadata: { a: 'b' } } },
    });
    expect(lines(requests).map(decodeURIComponent)).toEqual([
      'GET billing/usage/events?starting_on=2026-01-01T00:00:00.000Z&ending_before=2026-01-02T00:00:00.000Z',
    ]);
    expect(() => admin.getBillingUsage('x', 'y')).toThrow('ISO 8601');
  });

  it('reads what checkpoints take now', async () => {
    const { admin, requests } = await adminOn({
      data: [{ project_id: 'p', checkpoint_count: 2, size_bytes: 1e9, size_gigabytes: 1 }],
    });
    expect(await admin.getCurrentCheckpointStorageUsage({ projectId: 'p' }).result()).toEqual({
      data: [{ projectId: 'p', checkpointCount: 2, sizeBytes: 1e9, sizeGigabytes: 1 }],
    });
    expect(lines(requests)).toEqual(['GET billing/usage/checkpoints/current?project_id=p']);
  });
});
