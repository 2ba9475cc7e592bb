import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SchedulerAction, type Subscription, asyncScheduler, lastValueFrom, of, take, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { type DownloadMeans, downloadFile } from '../../src/download/downloadFile.js';
import { fetchUrl } from '../../src/download/openUrl.js';
import { type PartialFile, type Received } from '../../src/download/receive.js';
import { TinkerError } from '../../src/errors.js';
import { silentLogger } from '../../src/log.js';
import { type FaultyFiles, type FaultyFilesOptions, faultyFiles } from './faultyFiles.js';
import { temporaryFolder } from './temporaryFolder.js';

const means: DownloadMeans = { open: fetchUrl, scheduler: asyncScheduler, random: () => 1, log: silentLogger };
const file = Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 2654435761) >>> 24);

/** Names of one file in a folder, as a process that has just started knows it. */
function partIn(folder: string, name = 'weights.bin'): PartialFile {
  return { name, path: join(folder, 'files', name), versionPath: join(folder, 'versions', name) };
}

/** What each request asked for. The last bytes before a break may get lost, so where the rest begins is not certain. */
const asked = ({ ranges }: FaultyFiles) =>
  ranges.map((range) => (range === undefined ? 'all' : /^bytes=[1-9]\d*-$/.test(range) ? 'rest' : range));

const fixed = (url: string) => ({ get: () => of(url), expire: () => undefined });

async function download(
  options: FaultyFilesOptions,
  content = file,
  name?: string,
): Promise<{ server: FaultyFiles; progress: Received[]; bytes: Uint8Array }> {
  const server = await faultyFiles(content, options);
  const part = partIn(await temporaryFolder(), name);
  const progress = await lastValueFrom(downloadFile(part, fixed(server.url), fast).pipe(toArray()));
  return { server, progress, bytes: await readFile(part.path) };
}

/** Waits a thousandth of the time, except for silence. */
const fast: DownloadMeans = {
  ...means,
  scheduler: {
    now: () => asyncScheduler.now(),
    schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
      return asyncScheduler.schedule(work, delay > 30_000 ? delay : delay / 1000, state);
    },
  },
};

describe('downloadFile', () => {
  it('goes on from the last byte when the connection breaks off at 90 %, again and again', async () => {
    const { server, progress, bytes } = await download({ faults: ['break', 'break', 'reset', 'break'] });
    expect(Buffer.compare(bytes, file)).toBe(0);
    expect(asked(server)).toEqual(['all', 'rest', 'rest', 'rest', 'rest']);
    expect(progress.at(-1)).toEqual({ receivedBytes: 1_000_000, totalBytes: 1_000_000 });
    const positions = progress.map(({ receivedBytes }) => receivedBytes);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
  });

  it('waits out 429 and 503', async () => {
    const { server, bytes } = await download({ faults: [503, 429, 'break', 429] });
    expect(Buffer.compare(bytes, file)).toBe(0);
    expect(server.ranges).toHaveLength(5);
  });

  it('begins anew where the server sends no parts, and gives up where it never gets further', async () => {
    const { server, bytes } = await download({ faults: ['break', 'break'], ranges: false });
    expect(Buffer.compare(bytes, file)).toBe(0);
    expect(server.ranges).toHaveLength(3);
    const never = download({ faults: Array.from({ length: 100 }, () => 'break'), ranges: false }, file.slice(0, 1000));
    await expect(never).rejects.toMatchObject({ code: 'connection_failed', retryable: true });
  });

  it('goes on without marks of versions too, as long as the length is the same', async () => {
    const { server } = await download({ faults: ['break'], etag: false });
    expect(asked(server)).toEqual(['all', 'rest']);
    const changed = file.slice(0, 999_999);
    const other = await download({ faults: ['break', 'change'], etag: false, changed });
    expect(Buffer.compare(other.bytes, changed)).toBe(0);
    expect(asked(other.server)).toEqual(['all', 'rest', 'all']);
  });

  it('never joins parts of two versions', async () => {
    const changed = file.map((byte) => byte ^ 0xff);
    const { server, bytes } = await download({ faults: ['break', 'change'], changed, digest: false });
    expect(Buffer.compare(bytes, changed)).toBe(0);
    expect(asked(server)).toEqual(['all', 'rest']);
  });

  it('goes on in another process, with a new URL, and finds a file that is whole already', async () => {
    const folder = await temporaryFolder();
    const first = await faultyFiles(file, { faults: ['break'] });
    await lastValueFrom(downloadFile(partIn(folder), fixed(first.url), fast).pipe(take(1)));
    const second = await faultyFiles(file, { faults: [] });
    await lastValueFrom(downloadFile(partIn(folder), fixed(second.url), fast));
    expect(asked(second)).toEqual(['rest']);
    expect(Buffer.compare(await readFile(partIn(folder).path), file)).toBe(0);
    const third = await faultyFiles(file, { faults: [] });
    expect(await lastValueFrom(downloadFile(partIn(folder), fixed(third.url), fast), { defaultValue: 'whole' })).toBe(
      'whole',
    );
    expect(third.ranges).toEqual(['bytes=1000000-']);
  });

  it('fetches a copy with a wrong hash again, and fails after the third', async () => {
    const { server, bytes } = await download({ faults: ['corrupt', 'corrupt'] });
    expect(Buffer.compare(bytes, file)).toBe(0);
    expect(server.ranges).toEqual([undefined, undefined, undefined]);
    const failed = download({ faults: ['corrupt', 'corrupt', 'corrupt'] });
    await expect(failed).rejects.toMatchObject({
      code: 'invalid_response',
      message: expect.stringContaining('sha256') as string,
    });
  });

  it('checks safetensors by their own header where there is neither hash nor length', async () => {
    const weights = safetensors(4096);
    const options: FaultyFilesOptions = { faults: [], digest: false, length: false };
    const { bytes } = await download(options, weights, 'adapter.safetensors');
    expect(Buffer.compare(bytes, weights)).toBe(0);
    for (const wrong of [weights.slice(0, -1), weights.slice(0, 6), Uint8Array.of(...weights, 0), file]) {
      await expect(download(options, wrong, 'adapter.safetensors')).rejects.toMatchObject({ code: 'invalid_response' });
    }
    const encrypted = new TextEncoder().encode(`age-encryption.org/v1\n${'x'.repeat(100)}`);
    expect((await download(options, encrypted, 'adapter.safetensors')).bytes).toHaveLength(encrypted.length);
  });

  it('asks for a new URL when the old one has ended, once', async () => {
    const server = await faultyFiles(file, { faults: ['break', 403] });
    let signed = 0;
    let url: string | undefined;
    const urls = {
      get: () => of((url ??= `${server.url}?signature=${(signed += 1)}`)),
      expire: () => {
        url = undefined;
      },
    };
    await lastValueFrom(downloadFile(partIn(await temporaryFolder()), urls, fast));
    expect(signed).toBe(2);
    const refused = await faultyFiles(file, { faults: [404, 404] });
    const failed = lastValueFrom(
      downloadFile(partIn(await temporaryFolder()), fixed(`${refused.url}?signature=geheim`), fast),
    );
    await expect(failed).rejects.toMatchObject({ code: 'not_found' });
    await expect(failed).rejects.toThrow(/GET http:\/\/127\.0\.0\.1:\d+\/file was/);
    await expect(failed).rejects.not.toThrow(/geheim/);
    expect(refused.requests).toHaveLength(2);
  });

  it('fails at once on a disk that it can not write', async () => {
    const server = await faultyFiles(file, { faults: [] });
    const part = { ...partIn('/dev/null/nowhere') };
    await expect(lastValueFrom(downloadFile(part, fixed(server.url), fast))).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('/dev/null/nowhere') as string,
    });
    expect(server.requests).toHaveLength(0);
  });

  it('takes a minute of silence for a broken connection', async () => {
    const part = partIn(await temporaryFolder());
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const errors: unknown[] = [];
    scheduler.run(() => {
      const open: DownloadMeans['open'] = () => new Promise(() => undefined);
      downloadFile(part, fixed('http://here/file'), { ...means, open, scheduler }).subscribe({
        error: (error: unknown) => errors.push(error),
      });
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(TinkerError);
    expect(errors[0]).toMatchObject({ code: 'request_timeout', retryable: true });
  });
});

/** A safetensors file of one tensor of so many bytes. */
function safetensors(bytes: number): Uint8Array<ArrayBuffer> {
  const header = JSON.stringify({ a: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } });
  const all = Buffer.alloc(8 + header.length + bytes, 7);
  all.writeBigUInt64LE(BigInt(header.length), 0);
  all.write(header, 8);
  return new Uint8Array(all);
}
