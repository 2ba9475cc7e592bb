import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EMPTY,
  type Observable,
  concat,
  defer,
  lastValueFrom,
  map,
  merge,
  of,
  range,
  switchMap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trainSteps } from '../../operators/index.js';
import {
  type Datum,
  ModelInput,
  ServiceClient,
  TinkerError,
  type Transport,
  type TransportRequest,
  silentLogger,
  undiciTransport,
} from '../../src/index.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { recordTransport, replayTransport } from '../../src/testing/index.js';

const KEY = 'tml-a-key-that-must-not-be-kept';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rxtinker-recording-'));
  file = join(directory, 'session.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true }));

const dataOf = (step: number, count = 1): Datum[] =>
  Array.from({ length: count }, (_, index) => ({ modelInput: ModelInput.fromTokens([step, index, 7, 8, 9]) }));

/** A training run with passes, steps, a custom loss, a save and samples, all on the wire at once where they may be. */
function session(service: ServiceClient, changed = 0): Observable<unknown> {
  return service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4, seed: 1 }).pipe(
    switchMap((training) =>
      concat(
        trainSteps(training, [dataOf(1), dataOf(2), dataOf(3 + changed)], {
          loss: 'cross_entropy',
          adam: { learningRate: 1e-2 },
          depth: 2,
        }).pipe(map(({ step, metrics }) => [step, metrics['loss:sum']])),
        training
          .forwardBackwardCustom(dataOf(4, 2), ({ logprobs }) => logprobs.exp().sum())
          .pipe(
            map(({ metrics, lossFnOutputs }) => [
              metrics['loss:sum'],
              lossFnOutputs.map((it) => [...(it.logprobs?.data ?? [])]),
            ]),
          ),
        training.saveWeightsAndGetSamplingClient().pipe(
          switchMap((sampling) =>
            merge(
              ...[1, 2].map((seed) =>
                sampling.sample({
                  prompt: ModelInput.fromTokens([1, 2, seed]),
                  samplingParams: { maxTokens: 4, temperature: 1, seed },
                }),
              ),
            ).pipe(toArray()),
          ),
          map((samples) => samples.map(({ sequences }) => sequences.map(({ tokens }) => [...tokens])).sort()),
        ),
        training.unloadModel().pipe(map(() => 'unloaded')),
      ),
    ),
  );
}

async function valuesOf(transport: Transport, options: { changed?: number; apiKey?: string } = {}): Promise<unknown[]> {
  const service = new ServiceClient({
    baseUrl: 'http://replay.invalid',
    log: silentLogger,
    transport,
    ...(options.apiKey !== undefined && { apiKey: options.apiKey }),
  });
  try {
    return await lastValueFrom(session(service, options.changed).pipe(toArray()));
  } finally {
    await service.close();
  }
}

describe('a training run', () => {
  let server: LocalServer;
  let recorded: string;
  let values: unknown[];

  beforeAll(async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'rxtinker-recording-')), 'session.jsonl');
    server = await startLocalServer({ apiKey: KEY, threads: 1 });
    const transport = recordTransport(path, undiciTransport({ baseUrl: server.url }));
    values = await valuesOf(transport, { apiKey: KEY });
    await server.close();
    recorded = readFileSync(path, 'utf8');
    rmSync(path);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    writeFileSync(file, recorded);
  });

  it('is played back without a server, with the same values', async () => {
    expect(values).toHaveLength(6);
    expect(await valuesOf(replayTransport(file))).toEqual(values);
  });

  it('is played back under virtual time, after the recorded delays', () => {
    const scheduler = new TestScheduler(() => undefined);
    const played: unknown[] = [];
    let end = 0;
    scheduler.run(({ flush }) => {
      const service = new ServiceClient({
        baseUrl: 'http://replay.invalid',
        scheduler,
        transport: replayTransport(file, { scheduler }),
        heartbeatIntervalMs: Infinity,
      });
      session(service).subscribe({ next: (value) => played.push(value), complete: () => (end = scheduler.now()) });
      expect(played).toEqual([]);
      flush();
    });
    expect(played).toEqual(values);
    expect(end).toBeGreaterThan(10);
  });

  it('fails clearly on data that were not recorded', async () => {
    const failure: unknown = await valuesOf(replayTransport(file), { changed: 1 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TinkerError);
    const cause = failure instanceof TinkerError ? failure.cause : undefined;
    expect(cause).toMatchObject({ code: 'not_recorded', retryable: false });
    expect(String(cause)).toContain(file);
    expect(String(cause)).toContain('data[0].model_input.chunks[0].tokens[0] is 4, it was 3');
  });

  it('keeps no key and no header of a request', () => {
    expect(recorded).not.toContain(KEY);
    expect(recorded).not.toContain('idempotency');
    expect(recorded).not.toContain('user-agent');
    expect(recorded.trimEnd().split('\n').length).toBeGreaterThan(20);
  });
});

/** Answers with the path and a number that counts requests; `delay` by body. */
function numbered(delays: Record<string, number> = {}): Transport & { readonly requests: TransportRequest[] } {
  const requests: TransportRequest[] = [];
  return {
    requests,
    send: (request) =>
      defer(() => {
        const number = requests.push(request);
        const body = new TextEncoder().encode(JSON.stringify({ number }));
        const answer = { status: 200, headers: { 'content-type': 'application/json', 'set-cookie': 'no' }, body };
        return timer(delays[String(request.body)] ?? 0).pipe(map(() => answer));
      }),
    close: () => EMPTY,
  };
}

const post = (body: string, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: 'POST',
  path: '/api/v1/x',
  headers: { 'content-type': 'application/json' },
  body,
  pool: 'send',
  timeoutMs: 1000,
  ...more,
});
const answerTo = async (transport: Transport, request: TransportRequest): Promise<string> =>
  new TextDecoder().decode((await lastValueFrom(transport.send(request))).body);
const failureOf = (transport: Transport, request: TransportRequest): Promise<unknown> =>
  answerTo(transport, request).catch((error: unknown) => error);

describe('requests', () => {
  it('are found in any order, and the same one gets its answers in turn', async () => {
    const recording = recordTransport(file, numbered({ a: 30 }));
    await Promise.all([answerTo(recording, post('a')), answerTo(recording, post('b')), answerTo(recording, post('a'))]);
    const replay = replayTransport(file);
    expect(await answerTo(replay, post('b'))).toBe('{"number":2}');
    expect(await Promise.all([answerTo(replay, post('a')), answerTo(replay, post('a'))])).toEqual([
      '{"number":1}',
      '{"number":3}',
    ]);
    expect(await failureOf(replay, post('a'))).toMatchObject({
      code: 'not_recorded',
      message: expect.stringContaining('more often than it was recorded') as string,
    });
    expect(await failureOf(replay, post('a', { path: '/api/v1/y' }))).toMatchObject({ code: 'not_recorded' });
    expect(await failureOf(replay, post('a', { method: 'PUT' }))).toMatchObject({ code: 'not_recorded' });
  });

  it('are the same whatever ids, times, versions and tokens they carry', async () => {
    const telemetry = (id: string): string =>
      JSON.stringify({ process_uuid: id, events: [{ event_id: id, timestamp: id }], sdk_version: id, token: 1 });
    const load = (token: string): string => JSON.stringify({ path: 'p', weights_access_token: token });
    const recording = recordTransport(file, numbered());
    await answerTo(recording, post(telemetry('a'), { headers: { 'x-idempotency-key': '1' } }));
    await answerTo(recording, post(load('secret "quoted" token')));
    expect(readFileSync(file, 'utf8')).not.toContain('quoted');
    const replay = replayTransport(file);
    expect(await answerTo(replay, post(telemetry('b'), { headers: { 'x-idempotency-key': '2' } }))).toContain('1');
    expect(await answerTo(replay, post(load('another')))).toContain('2');
  });

  it('that come back with an error or are left play back so', async () => {
    const failing: Transport = {
      ...numbered(),
      send: () => throwError(() => new TinkerError('request_timeout', `of ${KEY}`, { retryable: true })),
    };
    const recording = recordTransport(file, failing);
    await failureOf(recording, post('a', { headers: { 'x-api-key': KEY } }));
    const failure = await failureOf(replayTransport(file), post('a'));
    expect(failure).toMatchObject({ code: 'request_timeout', message: 'of [removed]', retryable: true });

    const left = recordTransport(file, numbered({ b: 1000 }));
    left.send(post('b')).subscribe().unsubscribe();
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      expectObservable(replayTransport(file, { scheduler }).send(post('b'))).toBe('');
    });
  });

  it('keep bytes as they are', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const echo: Transport = {
      ...numbered(),
      send: () =>
        of({ status: 418, headers: { 'content-type': 'application/x-protobuf', 'retry-after': '3' }, body: bytes }),
    };
    const request = { ...post(''), body: bytes, headers: { 'content-type': 'application/x-protobuf' } };
    await answerTo(recordTransport(file, echo), request);
    expect(await lastValueFrom(replayTransport(file).send(request))).toEqual({
      status: 418,
      headers: { 'content-type': 'application/x-protobuf', 'retry-after': '3' },
      body: Buffer.from(bytes),
    });
  });

  it('of heartbeats are always answered', async () => {
    recordTransport(file, numbered());
    const replay = replayTransport(file);
    const beats = range(0, 3).pipe(
      switchMap(() => replay.send(post('{}', { pool: 'heartbeat' }))),
      toArray(),
    );
    expect(await lastValueFrom(beats)).toHaveLength(3);
  });

  it('carry no secret of a header into the file, wherever it stands', async () => {
    const headers = {
      ...{ 'x-api-key': KEY, 'cf-access-client-id': 'cf-id-12345', 'cf-access-client-secret': 'cf-secret-12345' },
      'x-tinker-weights-access-token': 'weights-token-12345',
    };
    const recording = recordTransport(file, numbered());
    await answerTo(recording, post(JSON.stringify({ note: Object.values(headers) }), { headers, path: `/x?${KEY}` }));
    const text = readFileSync(file, 'utf8');
    for (const secret of Object.values(headers)) expect(text).not.toContain(secret);
    expect(text).not.toContain('set-cookie');
  });
});

describe('a file', () => {
  it('that is missing, no recording or broken is said to be so', () => {
    expect(() => replayTransport(file)).toThrow(file);
    writeFileSync(file, '{"something":"else"}\n');
    expect(() => replayTransport(file)).toThrow(/line 1 of/);
    recordTransport(file, numbered());
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"index":0}\n`);
    expect(() => replayTransport(file)).toThrow(/line 2 of/);
  });

  it('that can not be written fails when the recording is made', () => {
    expect(() => recordTransport(join(file, 'x'), numbered())).toThrow(
      expect.objectContaining({ code: 'invalid_config' }) as Error,
    );
  });
});
