import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFileName } from '../../src/download/checkFileName.js';
import { unpackArchive } from '../../src/download/unpackArchive.js';
import { tarFile } from '../../src/local/server/tarFile.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Unpacks an archive into `inner` of a new folder; gives what is in the whole folder afterwards. */
async function unpack(archive: Uint8Array): Promise<{ files: string[]; all: () => string[]; inner: string }> {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'a.tar'), archive);
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  const all = (): string[] => readdirSync(folder, { recursive: true }).map(String).sort();
  try {
    return { files: (await unpackArchive(join(folder, 'a.tar'), inner)).map(({ name }) => name), all, inner };
  } catch (error) {
    // Whatever is refused, nothing is outside.
    expect(all().filter((name) => name !== 'a.tar' && !name.startsWith('inner'))).toEqual([]);
    throw error;
  }
}

/** An archive of one entry whose header is changed, with a checksum that is right again. */
function entry(name: string, change: (header: Uint8Array) => void = () => undefined): Uint8Array {
  const archive = tarFile({ [name]: Uint8Array.of(1, 2, 3) }, 0);
  change(archive);
  archive.fill(32, 148, 156);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return archive;
}

const refused = { code: 'invalid_response' };

describe('unpackArchive', () => {
  it('unpacks files in folders, gzipped or not', async () => {
    const archive = tarFile({ './a.txt': Uint8Array.of(1), 'b/c/d.txt': new Uint8Array(5000).fill(2) }, 0);
    for (const bytes of [archive, gzipSync(archive)]) {
      const { files, inner } = await unpack(bytes);
      expect(files).toEqual(['a.txt', 'b/c/d.txt']);
      expect(readFileSync(join(inner, 'b/c/d.txt'))).toEqual(Buffer.alloc(5000, 2));
    }
  });

  it('reads what tar writes, with long names, in each of its formats', async () => {
    const long = `${'folder/'.repeat(20)}${'n'.repeat(200)}.txt`;
    for (const format of ['gnu', 'pax', 'ustar']) {
      const folder = await temporaryFolder();
      const name = format === 'ustar' ? 'a/b.txt' : long;
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), format);
      execFileSync('tar', [`--format=${format}`, '-cf', 'out.tar', name.split('/')[0] ?? ''], { cwd: folder });
      const { files, inner } = await unpack(readFileSync(join(folder, 'out.tar')));
      expect(files).toEqual([name]);
      expect(readFileSync(join(inner, name), 'utf8')).toBe(format);
    }
  });

  it.each([
    ['..', '../x'],
    ['.. in the middle', 'a/../../x'],
    ['an absolute path', '/etc/x'],
    ['a backslash', '..\\x'],
    ['a drive', 'c:x'],
    ['a device', 'sub/NUL'],
    ['a device with an extension', 'com1.txt'],
    ['an empty part', 'a//b'],
    ['a control character', 'a\nb'],
    ['an ending that Windows drops', 'a.'],
    ['nothing', ''],
  ])('refuses a name with %s', async (_, name) => {
    await expect(unpack(entry(name))).rejects.toMatchObject(refused);
  });

  it.each([
    ['hard link', '1'],
    ['symbolic link', '2'],
    ['character device', '3'],
    ['block device', '4'],
    ['pipe', '6'],
    ['sparse file', 'S'],
  ])('refuses a %s', async (_, type) => {
    const archive = entry('x', (header) => header.set(new TextEncoder().encode(type), 156));
    await expect(unpack(archive)).rejects.toMatchObject(refused);
  });

  it('refuses a file that comes twice, in capitals too', async () => {
    const twice = Buffer.concat([entry('x').subarray(0, 1024), entry('X')]);
    await expect(unpack(twice)).rejects.toMatchObject(refused);
  });

  it('refuses a longer name that leads out', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'x'), 'out');
    for (const format of ['gnu', 'pax']) {
      const out = `../${'a'.repeat(200)}`;
      execFileSync('tar', [`--format=${format}`, '-P', `--transform=s,x,${out},`, '-cf', 'out.tar', 'x'], {
        cwd: folder,
      });
      await expect(unpack(readFileSync(join(folder, 'out.tar')))).rejects.toMatchObject(refused);
    }
  });

  it('refuses an archive that is cut off anywhere or has one bit changed in a header', async () => {
    const archive = tarFile({ 'a.txt': new Uint8Array(700), 'b.txt': new Uint8Array(10) }, 0);
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1025), async (length) => {
        await expect(unpack(archive.slice(0, length))).rejects.toMatchObject(refused);
      }),
      { numRuns: 30 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(147), fc.nat(7), async (at, bit) => {
        const changed = archive.slice();
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await expect(unpack(changed)).rejects.toMatchObject(refused);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a gzip bomb before the disk is full, and bytes that do not decode', async () => {
    const size = 200 * 1024 * 1024;
    const header = entry('x', (bytes) =>
      bytes.set(new TextEncoder().encode(`${size.toString(8).padStart(11, '0')}\0`), 124),
    );
    const bomb = gzipSync(Buffer.concat([header.subarray(0, 512), Buffer.alloc(size), Buffer.alloc(1024)]), {
      level: 1,
    });
    expect(bomb.length).toBeLessThan(2 * 1024 * 1024);
    await expect(unpack(bomb)).rejects.toThrow(/grows to/);
    await expect(unpack(Uint8Array.of(0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))).rejects.toMatchObject(refused);
  });

  it('refuses weights that are not whole', async () => {
    const archive = tarFile({ 'adapter_model.safetensors': new Uint8Array(100) }, 0);
    await expect(unpack(archive)).rejects.toThrow(/safetensors/);
  });
});

describe('checkFileName', () => {
  it('lets through only what stays in its folder', () => {
    const odd = fc.constantFrom(
      '..',
      '.',
      '',
      '/',
      '\\',
      'a',
      'CON',
      'nul.txt',
      '\0',
      ':',
      'C:',
      ' ',
      'a.',
      '~',
      '%2e%2e',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.string()), { maxLength: 6 }), (pieces) => {
        const name = pieces.join('/');
        let parts: string[];
        try {
          parts = checkFileName(name);
        } catch (error) {
          expect(error).toMatchObject(refused);
          return;
        }
        expect(join('folder', ...parts).startsWith(join('folder', '/'))).toBe(true);
        expect(parts.some((part) => part === '' || /^\.+$|[\\:\0]/.test(part))).toBe(false);
      }),
    );
  });
});
