import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryStorage } from '../../../src/local/server/directoryStorage.js';
import { memoryStorage } from '../../../src/local/server/memoryStorage.js';
import type { Storage } from '../../../src/local/server/storage.js';
import { testServer } from './support/testServer.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const kinds: [string, () => Promise<Storage>][] = [
  ['a directory', () => directoryStorage(directory)],
  ['memory', () => Promise.resolve(memoryStorage())],
];

describe.each(kinds)('storage in %s', (_, open) => {
  it('reads back what was written last, under any name', async () => {
    const segment = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes('/'));
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => `p/${segments.join('/')}/file`);
    const storage = await open();
    await fc.assert(
      fc.asyncProperty(path, fc.uint8Array({ maxLength: 50 }), async (name, bytes) => {
        await storage.write(name, Uint8Array.of(1, 2, 3));
        await storage.write(name, bytes);
        expect(Array.from(await storage.read(name))).toEqual(Array.from(bytes));
        expect(await storage.list()).toEqual([name]);
        await storage.remove(name);
        await storage.remove(name);
        expect(await storage.list()).toEqual([]);
        await expect(storage.read(name)).rejects.toMatchObject({ code: 'not_found' });
      }),
      { numRuns: 30 },
    );
  });

  it('does not share its bytes with the caller', async () => {
    const storage = await open();
    const bytes = Uint8Array.of(1, 2);
    await storage.write('a', bytes);
    bytes[0] = 9;
    (await storage.read('a'))[1] = 9;
    expect(Array.from(await storage.read('a'))).toEqual([1, 2]);
  });
});

describe('storage in a directory', () => {
  it('stays inside the directory and leaves no draft behind', async () => {
    const inner = join(directory, 'inner');
    const storage = await directoryStorage(inner);
    for (const path of ['../up', '..up', '.hidden', 'A', 'a', 'C:\\x', 'a:b/%2e'])
      await storage.write(path, new Uint8Array(1));
    expect(await readdir(directory)).toEqual(['inner']);
    expect([...(await storage.list())].sort()).toEqual(
      ['../up', '..up', '.hidden', 'A', 'C:\\x', 'a', 'a:b/%2e'].sort(),
    );
    const names = await readdir(inner, { recursive: true });
    expect(names.filter((name) => /\.tmp$|[A-Z:\\]/.test(name.replaceAll(/[\\/]/g, '')))).toEqual([]);
  });

  it('keeps checkpoints from one server to the next', async () => {
    const disk = await directoryStorage(directory);
    const first = await testServer({ storage: disk });
    const { model } = await first.model();
    const save = await first.post('save_weights', { model_id: model, seq_id: 1, path: 'Kept.1' });
    const saved = await first.post('retrieve_future', { request_id: save.body.request_id });
    expect(saved.body.path).toBe(`tinker://${model}/weights/Kept.1`);
    await disk.close();
    // A draft that a crash left is no file.
    await writeFile(join(directory, 'checkpoints', 'manifest.json.1-1.tmp'), '{');
    const lines: string[] = [];
    const storage = await directoryStorage(directory, { log: (level, line) => lines.push(`${level}: ${line}`) });
    expect(lines).toEqual([expect.stringMatching(/^warn: Removed the half-written file .*manifest\.json\.1-1\.tmp/)]);
    const second = await testServer({ storage });
    expect((await second.call('GET', 'checkpoints')).body.checkpoints).toMatchObject([
      { tinker_path: saved.body.path },
    ]);
    expect(second.lines).toEqual([]);
  });

  it('names a directory that can not be made or written', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    for (const wrong of [file, join(file, 'below'), '/proc/nope']) {
      await expect(directoryStorage(wrong)).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining(wrong) as string,
      });
    }
  });
});
