import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Observable, lastValueFrom, of, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestClient } from '../../src/clients/rest.js';
import { ServiceClient } from '../../src/clients/service.js';
import type { TrainingClient } from '../../src/clients/training.js';
import { localTransport } from '../../src/transport/localTransport.js';
import type { Transport, TransportRequest, TransportResponse } from '../../src/transport/transport.js';
import { undiciTransport } from '../../src/transport/undiciTransport.js';
import { startSmallServer } from '../contract/support/smallServer.js';
import { faultyFiles } from '../download/faultyFiles.js';
import { temporaryFolder } from '../download/temporaryFolder.js';

function json(body: object, status = 200): TransportResponse {
  return { status, headers: {}, body: new TextEncoder().encode(JSON.stringify(body)) };
}

describe('downloadCheckpoint on the embedded server', () => {
  let server: Awaited<ReturnType<typeof startSmallServer>>;
  let service: ServiceClient;
  let training: TrainingClient;
  let state: string;

  beforeAll(async () => {
    server = await startSmallServer();
    service = new ServiceClient({ baseUrl: server.url });
    training = await service.createLoraTrainingClient({ baseModel: 'small/one', rank: 2 }).result();
    state = (await training.saveState('state').result()).path;
  });

  afterAll(async () => {
    await service.close();
    await server.close();
  });

  /** A transport that tells of each request, and may answer it in the server's place. */
  function spying(answer: (request: TransportRequest) => Observable<TransportResponse> | undefined = () => undefined) {
    const http = undiciTransport({ baseUrl: server.url });
    const requests: string[] = [];
    const transport: Transport = {
      send: (request) => {
        const { method, path } = request;
        requests.push(`${method} ${path.replace('/api/v1/', '').replace(/.*\/checkpoints\//, '')}`);
        return answer(request) ?? http.send(request);
      },
      close: () => http.close(),
    };
    return { requests, transport };
  }

  const names = ['adapter_config.json', 'adapter_model.safetensors'];

  it('exports a training state, fetches its files, and leaves nothing on the server', async () => {
    const { requests, transport } = spying();
    await using rest = new RestClient({ baseUrl: server.url, transport });
    const directory = join(await temporaryFolder(), 'adapter');
    const events = await lastValueFrom(rest.downloadCheckpoint(state, { directory }).pipe(toArray()));
    expect(events[0]).toEqual({ type: 'preparing', by: 'export' });
    expect(events.at(-1)).toMatchObject({ type: 'finished', directory, files: names.map((name) => ({ name })) });
    const received = events.filter((event) => event.type === 'receiving');
    expect([...new Set(received.map(({ file }) => file))]).toEqual(names);
    expect(received.at(-1)?.receivedBytes).toBe(received.at(-1)?.totalBytes);
    expect((await readdir(directory)).sort()).toEqual(names);
    expect(JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8'))).toMatchObject({ r: 2 });
    expect(requests.filter((request) => request.includes('external_weights'))).toEqual([
      'PUT external_weights/download/ttl',
      'GET external_weights/download/external_weights_urls',
      'DELETE external_weights/download',
    ]);
    expect(requests).toContain('POST unload_model');
    expect(requests.at(-1)).toMatch(/^POST sessions\/.*\/finish$/);
    const left = await lastValueFrom(rest.listUserCheckpoints().pipe(toArray()));
    expect(left.filter(({ checkpointType }) => checkpointType === 'external')).toEqual([]);
  });

  it('gives the same adapter as an archive, over the connections of a service, and of exported weights', async () => {
    const folder = await temporaryFolder();
    const { path: exported } = await training.saveWeightsExternal('mine').result();
    const sampler = await training.saveWeightsForSampler({ path: 'sampler' }).result();
    if (sampler.kind !== 'path') throw new Error('no path');
    const downloads = {
      export: service.rest.downloadCheckpoint(state, { directory: join(folder, 'export') }),
      archive: service.rest.downloadCheckpoint(state, { directory: join(folder, 'archive'), by: 'archive' }),
      exported: service.rest.downloadCheckpoint(exported, { directory: join(folder, 'exported') }),
      sampler: service.rest.downloadCheckpoint(sampler.path, { directory: join(folder, 'sampler') }),
    };
    const adapters: Buffer[] = [];
    for (const [name, download] of Object.entries(downloads)) {
      await lastValueFrom(download);
      expect((await readdir(join(folder, name))).sort()).toEqual(expect.arrayContaining(names));
      adapters.push(await readFile(join(folder, name, 'adapter_model.safetensors')));
    }
    for (const adapter of adapters) expect(Buffer.compare(adapter, adapters[0] ?? Buffer.alloc(0))).toBe(0);
    expect(await service.rest.getExternalWeightsUrls(exported).result()).toHaveProperty('urls');
    expect((await training.getInfo().result()).modelId).toBe(training.modelId);
  });

  it('takes an archive where the server exports nothing', async () => {
    const { transport } = spying(({ path }) =>
      path.endsWith('/save_weights_external') ? of(json({ detail: 'Not Found' }, 404)) : undefined,
    );
    await using rest = new RestClient({ baseUrl: server.url, transport });
    const directory = await temporaryFolder();
    const events = await lastValueFrom(rest.downloadCheckpoint(state, { directory }).pipe(toArray()));
    expect(events.filter(({ type }) => type === 'preparing')).toEqual([
      { type: 'preparing', by: 'export' },
      { type: 'preparing', by: 'archive' },
    ]);
    await expect(
      lastValueFrom(rest.downloadCheckpoint(state, { directory: join(directory, 'x'), by: 'export' })),
    ).rejects.toMatchObject({ details: { status: 404 } });
  });

  it('fetches from elsewhere without the key, and cleans up when it fails', async () => {
    const files = await faultyFiles(new Uint8Array(10), { faults: ['corrupt', 'corrupt', 'corrupt'] });
    const urls = { urls: { 'a.bin': files.url }, expires: '2000-01-01T00:00:00Z' };
    const { requests, transport } = spying(({ path }) => (path.endsWith('_urls') ? of(json(urls)) : undefined));
    await using rest = new RestClient({ baseUrl: server.url, apiKey: 'tml-secret', transport });
    const directory = await temporaryFolder();
    await expect(lastValueFrom(rest.downloadCheckpoint(state, { directory }))).rejects.toMatchObject({
      code: 'invalid_response',
    });
    expect(files.requests).toHaveLength(3);
    expect(JSON.stringify(files.requests)).not.toContain('tml-secret');
    expect(requests.slice(-2)).toEqual([
      'DELETE external_weights/download',
      expect.stringMatching(/^POST sessions\/.*\/finish$/) as string,
    ]);
    // These URLs have ended all the time: each attempt asks for new ones, and renews the export.
    expect(requests.filter((request) => request.startsWith('PUT'))).toHaveLength(4);
  });

  it('refuses URLs of names that lead out of the folder', async () => {
    const urls = { urls: { '../x': 'http://127.0.0.1:1/x' }, expires: '2100-01-01T00:00:00Z' };
    const { path } = await training.saveWeightsExternal('evil').result();
    const transport = localTransport(({ path: asked }) => {
      const body = asked.endsWith('_urls') ? urls : {};
      return of(json(body));
    });
    await using rest = new RestClient({ baseUrl: server.url, transport });
    const folder = await temporaryFolder();
    await expect(lastValueFrom(rest.downloadCheckpoint(path, { directory: join(folder, 'in') }))).rejects.toMatchObject(
      { code: 'invalid_response' },
    );
    expect(await readdir(folder)).toEqual(['in']);
  });

  it('keeps files that are there, unless they may be replaced', async () => {
    const directory = await temporaryFolder();
    await writeFile(join(directory, 'adapter_config.json'), 'mine');
    await expect(lastValueFrom(service.rest.downloadCheckpoint(state, { directory }))).rejects.toMatchObject({
      code: 'invalid_config',
    });
    expect(await readFile(join(directory, 'adapter_config.json'), 'utf8')).toBe('mine');
    await lastValueFrom(service.rest.downloadCheckpoint(state, { directory, overwrite: true }));
    expect(JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8'))).toMatchObject({ r: 2 });
  });

  it('cleans up after an unsubscribe, and fails when the client is closed', async () => {
    const { requests, transport } = spying();
    const rest = new RestClient({ baseUrl: server.url, transport });
    await lastValueFrom(rest.downloadCheckpoint(state, { directory: await temporaryFolder() }).pipe(take(2)));
    await expect.poll(() => requests.some((request) => request.endsWith('/finish'))).toBe(true);
    expect(requests).toContain('DELETE external_weights/download');
    const going = lastValueFrom(rest.downloadCheckpoint(state, { directory: await temporaryFolder() }));
    const failed = expect(going).rejects.toMatchObject({ code: 'closed' });
    await rest.close();
    await failed;
  });

  it('says at the call what is wrong', () => {
    const directory = 'x';
    expect(() => service.rest.downloadCheckpoint('tinker://a/b', { directory })).toThrow(/tinker:/);
    expect(() => service.rest.downloadCheckpoint(state, { directory: '' })).toThrow(/directory/);
    expect(() => service.rest.downloadCheckpoint('tinker://a/sampler_weights/b', { directory, by: 'export' })).toThrow(
      /archive/,
    );
  });
});
