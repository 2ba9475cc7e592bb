import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryStorage } from '../../../src/local/server/directoryStorage.js';
import { memoryStorage } from '../../../src/local/server/memoryStorage.js';
import type { Storage } from '../../../src/local/server/storage.js';
import { optimStep, forwardBackward, testServer, type TestServer } from './support/testServer.js';

let directory: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'rxtinker-')));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function save(
  { post, result }: TestServer,
  model: string,
  seqId: number,
  name: string,
  overwrite = false,
): Promise<Record<string, unknown>> {
  return result(await post('save_weights', { model_id: model, seq_id: seqId, path: name, overwrite }));
}

async function names({ call }: TestServer): Promise<string[]> {
  const { body } = await call('GET', 'checkpoints');
  return (body.checkpoints as { tinker_path: string }[]).map(({ tinker_path }) => tinker_path).sort();
}

/** Loads a checkpoint into a new model and gives the promise's outcome. */
async function load(server: TestServer, path: string): Promise<Record<string, unknown>> {
  const session = (await server.post('create_session', {})).body.session_id;
  return server.result(
    await server.post('load_weights', { session_id: session, model_seq_id: 0, path, optimizer: true }),
  );
}

describe('a directory of checkpoints', () => {
  const lock = (text: string): Promise<void> => writeFile(join(directory, '.lock'), text);

  it('is used by one server at a time, and free again when that is closed', async () => {
    const first = await directoryStorage(directory);
    await expect(directoryStorage(directory)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining(`${directory} is in use by this process (${process.pid})`) as string,
    });
    await first.close();
    const second = await directoryStorage(directory);
    expect(await second.list()).toEqual([]);
    await second.close();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is not taken from a process that runs, on this machine or on another', async () => {
    const alive = { pid: process.ppid, host: hostname(), started: await startOf(process.ppid) };
    await lock(JSON.stringify(alive));
    await expect(directoryStorage(directory)).rejects.toThrow(`in use by process ${process.ppid}. End that server`);
    await lock(JSON.stringify({ ...alive, host: 'elsewhere' }));
    await expect(directoryStorage(directory)).rejects.toThrow(`process ${process.ppid} of machine elsewhere`);
    await lock('{"pid":');
    await expect(directoryStorage(directory)).rejects.toThrow(`remove ${join(directory, '.lock')}`);
    expect(await readFile(join(directory, '.lock'), 'utf8')).toBe('{"pid":');
  });

  it('is taken over from a process that is no more, also where its id was used again', async () => {
    const dead = spawnSync(process.execPath, ['--version']).pid;
    for (const pid of [dead, process.pid]) {
      await lock(JSON.stringify({ pid, host: hostname(), started: 'long ago' }));
      const storage = await directoryStorage(directory);
      expect(JSON.parse(await readFile(join(directory, '.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
      await storage.close();
    }
  });

  it('is taken over where another program has the id now, as far as the system tells', async () => {
    if (process.platform !== 'linux') return;
    await lock(JSON.stringify({ pid: process.ppid, host: hostname(), started: 'another boot 1' }));
    await (await directoryStorage(directory)).close();
  });

  it('keeps names apart that Windows takes for devices or for each other, and follows no link', async () => {
    const storage = await directoryStorage(join(directory, 'inner'));
    const paths = ['con', 'CON', 'nul.txt', 'com1', 'lpt9.x', 'dot.', 'dot', '..', '.', 'a/../b', 'x'.repeat(80)];
    for (const path of paths) await storage.write(`p/${path}/f`, new TextEncoder().encode(path));
    for (const path of paths) expect(new TextDecoder().decode(await storage.read(`p/${path}/f`))).toBe(path);
    expect([...(await storage.list())].sort()).toEqual(paths.map((path) => `p/${path}/f`).sort());
    const written = await readdir(join(directory, 'inner', 'p'));
    expect(written.filter((name) => /^(con|nul|com1|lpt9)(\.|$)|\.$|^\./.test(name))).toEqual([]);

    await mkdir(join(directory, 'outside'));
    await writeFile(join(directory, 'outside', 'f'), 'secret');
    await symlink(join(directory, 'outside'), join(directory, 'inner', 'q'));
    await expect(storage.read('q/f')).rejects.toThrow('is a link');
    await expect(storage.write('q/g', new Uint8Array(1))).rejects.toThrow('is a link');
    await expect(storage.remove('q/f')).rejects.toThrow('is a link');
    expect(await storage.list()).not.toContain('q/f');
    expect(await readdir(join(directory, 'outside'))).toEqual(['f']);
    await storage.close();
  });

  it('lists nothing that others put there', async () => {
    await writeFile(join(directory, 'README 100%.txt'), 'mine');
    const storage = await directoryStorage(directory);
    expect(await storage.list()).toEqual([]);
    await storage.close();
    expect(await readdir(directory)).toEqual(['README 100%.txt']);
  });
});

describe('a server that starts', () => {
  it('names what is damaged, leaves it as it is, and goes on with the rest', async () => {
    const storage = memoryStorage();
    const first = await testServer({ storage });
    const { model } = await first.model();
    const kinds = ['good', 'short', 'flipped', 'missing', 'half', 'moved'];
    for (const [index, name] of kinds.entries()) await save(first, model, index + 1, name);
    const folder = `checkpoints/${model}/weights`;
    const data = (name: string): string => `${folder}/${name}/adapter-1.safetensors`;
    await storage.write(data('short'), (await storage.read(data('short'))).subarray(1));
    const flipped = await storage.read(data('flipped'));
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    await storage.write(data('flipped'), flipped);
    await storage.remove(data('missing'));
    const half = await storage.read(`${folder}/half/manifest.json`);
    await storage.write(`${folder}/half/manifest.json`, half.subarray(0, half.length / 2));
    await storage.write(`${folder}/moved/manifest.json`, await storage.read(`${folder}/good/manifest.json`));
    const before = [...(await storage.list())].sort();

    const second = await testServer({ storage });
    expect(await names(second)).toEqual([`tinker://${model}/weights/good`]);
    expect(second.lines).toHaveLength(5);
    for (const name of kinds.slice(1))
      expect(
        second.lines.filter((line) => line.startsWith('warn: Left out') && line.includes(`/${name}/`)),
      ).toHaveLength(1);
    expect([...(await storage.list())].sort()).toEqual(before);
    expect(await load(second, `tinker://${model}/weights/good`)).toHaveProperty('path');
  });

  it('removes and names what a save that was cut short left', async () => {
    const storage = memoryStorage();
    const first = await testServer({ storage });
    const { model } = await first.model();
    await save(first, model, 1, 'kept');
    const before = [...(await storage.list())].sort();
    const strays = [
      `checkpoints/${model}/weights/kept/adapter-2.safetensors`,
      `checkpoints/x/weights/y/optimizer-1.safetensors`,
    ];
    for (const stray of [...strays, 'checkpoints/mine.txt']) await storage.write(stray, new Uint8Array(3));
    const second = await testServer({ storage });
    expect(
      second.lines
        .map((line) => strays.filter((stray) => line.includes(stray)))
        .flat()
        .sort(),
    ).toEqual(strays.sort());
    expect([...(await storage.list())].sort()).toEqual([...before, 'checkpoints/mine.txt'].sort());
  });

  it('does not load what was damaged after it started', async () => {
    const storage = memoryStorage();
    const server = await testServer({ storage });
    const { model } = await server.model();
    const { path } = await save(server, model, 1, 'x');
    await storage.write(`checkpoints/${model}/weights/x/optimizer-1.safetensors`, Uint8Array.of(9));
    expect(await load(server, String(path))).toMatchObject({
      category: 'server',
      error: expect.stringContaining('optimizer-1.safetensors is damaged') as string,
    });
  });
});

describe('a disk that fails', () => {
  /** Fails each write that the test says. */
  function failing(storage: Storage, fails: (path: string) => boolean): Storage {
    return {
      ...storage,
      write: (path, bytes) =>
        fails(path) ? Promise.reject(new Error('ENOSPC: no space left on device, write')) : storage.write(path, bytes),
    };
  }

  it.each(['adapter', 'optimizer', 'manifest'])('loses only the save at hand: %s', async (part) => {
    const storage = memoryStorage();
    let full = false;
    const server = await testServer({ storage: failing(storage, (path) => full && path.includes(`/${part}`)) });
    const { model } = await server.model();
    await save(server, model, 1, 'x');
    const before = [...(await storage.list())].sort();
    const state = await storage.read(`checkpoints/${model}/weights/x/adapter-1.safetensors`);
    await server.result(await server.post('forward_backward', forwardBackward(model, 2)));
    await server.result(await server.post('optim_step', optimStep(model, 3)));
    full = true;
    for (const [seqId, name, overwrite] of [
      [4, 'x', true],
      [5, 'new', false],
    ] as const) {
      expect(await save(server, model, seqId, name, overwrite)).toMatchObject({
        category: 'server',
        error: expect.stringContaining('no space left') as string,
      });
    }
    // Nothing of the failed saves is left to fill the disk, and the old state can be loaded, here and after a restart.
    expect([...(await storage.list())].sort()).toEqual(before);
    expect(await storage.read(`checkpoints/${model}/weights/x/adapter-1.safetensors`)).toEqual(state);
    const path = `tinker://${model}/weights/x`;
    expect(await load(server, path)).toMatchObject({ path });
    const restarted = await testServer({ storage });
    expect(restarted.lines).toEqual([]);
    expect(await load(restarted, path)).toMatchObject({ path });
    // The model trains on and saves under the same names once there is room.
    full = false;
    expect(await save(server, model, 6, 'new')).toMatchObject({ path: `tinker://${model}/weights/new` });
    expect(await save(server, model, 7, 'x', true)).toMatchObject({ path });
    expect(await storage.read(`checkpoints/${model}/weights/x/adapter-2.safetensors`)).not.toEqual(state);
  });

  it('that is really full loses only the save at hand', async () => {
    // Only the system's administrator can make a disk; others see the same error from a storage that fails.
    const isDisk =
      process.platform === 'linux' &&
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
    const disk = await directoryStorage(directory);
    let saved = 0;
    const server = await testServer({ storage: isDisk ? disk : failing(disk, () => saved >= 5) });
    try {
      const { model } = await server.model();
      let error: unknown;
      for (let seqId = 1; error === undefined && seqId < 100; seqId += 1) {
        const outcome = await savedOnDisk(server, model, seqId);
        error = outcome.error;
        if (error === undefined) saved += 1;
      }
      expect(error).toContain('no space left');
      expect(saved).toBeGreaterThan(3);
      expect(await names(server)).toHaveLength(saved);
      await disk.close();
      const again = await directoryStorage(directory);
      const restarted = await testServer({ storage: again });
      expect(restarted.lines).toEqual([]);
      expect(await names(restarted)).toHaveLength(saved);
      await again.close();
    } finally {
      if (isDisk) execFileSync('umount', [directory]);
    }
  });

  async function savedOnDisk({ post }: TestServer, model: string, seqId: number): Promise<Record<string, unknown>> {
    const { body } = await post('save_weights', { model_id: model, seq_id: seqId, path: `s${seqId}` });
    return (await post('retrieve_future', { request_id: body.request_id })).body;
  }
});

describe('changes of one checkpoint at the same time', () => {
  async function turns(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Each access takes some turns of the event loop, by chance. */
  function slow(storage: Storage, random: () => number): Storage {
    const wait = (): Promise<void> => turns(Math.floor(random() * 4));
    return {
      list: () => storage.list(),
      read: async (path) => (await wait(), storage.read(path)),
      write: async (path, bytes) => {
        await wait();
        await storage.write(path, bytes);
        await wait();
      },
      remove: async (path) => {
        await wait();
        await storage.remove(path);
      },
    };
  }

  it('leave it whole, whatever their order', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      let state = seed;
      const random = (): number => ((state = Math.imul(state, 48271) % 2147483647) >>> 0) / 4294967296;
      const storage = memoryStorage();
      const server = await testServer({ storage: slow(storage, random) });
      const { model } = await server.model();
      const one = `training_runs/${encodeURIComponent(model)}/checkpoints/weights/x`;
      await server.post('save_weights', { model_id: model, seq_id: 1, path: 'x' });
      let seqId = 2;
      const work = Array.from({ length: 12 }, async () => {
        await turns(20 + Math.floor(random() * 40));
        const kind = Math.floor(random() * 5);
        if (kind === 0) return server.call('PUT', `${one}/ttl`, { ttl_seconds: 1000 });
        if (kind === 1) return server.call('POST', `${one}/publish`);
        if (kind === 2) return server.call('DELETE', one);
        return server.post('save_weights', { model_id: model, seq_id: seqId++, path: 'x', overwrite: true });
      });
      await Promise.all(work);
      const last = await server.post('save_weights', { model_id: model, seq_id: seqId, path: 'x', overwrite: true });
      const polled = await server.post('retrieve_future', { request_id: last.body.request_id });
      expect(polled.body).toMatchObject({ path: `tinker://${model}/weights/x` });
      const restarted = await testServer({ storage });
      expect(restarted.lines).toEqual([]);
      expect(await names(restarted)).toEqual([`tinker://${model}/weights/x`]);
      expect(await storage.list()).toHaveLength(3);
    }
  });
});

/** As the lock file notes it on Linux. */
async function startOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return '';
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
}
