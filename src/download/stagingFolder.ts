import { TinkerError } from '../errors.js';
import { checkFileName } from './checkFileName.js';
import { diskError } from './diskError.js';
import type { PartialFile } from './receive.js';

/** A file that is whole and not yet at its place. */
export interface StagedFile {
  /** Its path within the folder, with `/`. */
  readonly name: string;
  readonly path: string;
}

/** Within the folder that was asked for, so that moving a file out of it is one step of the file system. */
const stagingName = '.rxtinker-download';

/** Collects files aside, so that a folder has all of them or none. */
export class StagingFolder {
  private readonly staging: string;

  /** @throws TinkerError `invalid_config` where there are no files, as in a browser */
  constructor(
    private readonly directory: string,
    private readonly overwrite: boolean,
  ) {
    if (typeof process !== 'object' || typeof process.getBuiltinModule !== 'function') {
      throw new TinkerError(
        'invalid_config',
        'Expected a program in Node to write files; here, fetch the URLs instead.',
      );
    }
    this.staging = process.getBuiltinModule('node:path').join(directory, stagingName);
  }

  /** Makes the folder. @throws TinkerError `invalid_config` where there are files in it already, unless `overwrite` */
  async prepare(): Promise<void> {
    const fs = process.getBuiltinModule('node:fs/promises');
    try {
      await fs.mkdir(this.staging, { recursive: true });
      const others = (await fs.readdir(this.directory)).filter((name) => name !== stagingName);
      if (this.overwrite || others.length === 0) return;
    } catch (cause) {
      throw diskError(this.directory, cause);
    }
    throw new TinkerError(
      'invalid_config',
      `Expected ${this.directory} to be a new or empty folder, and there are files in it. Pass { overwrite: true } or choose another.`,
    );
  }

  /** Where a file is received; the same in each process, so that another goes on with it. */
  part(name: string): PartialFile {
    const path = process.getBuiltinModule('node:path');
    const parts = checkFileName(name);
    return {
      name: parts.join('/'),
      path: path.join(this.staging, 'files', ...parts),
      versionPath: path.join(this.staging, 'versions', ...parts),
    };
  }

  /** Where an archive is unpacked; what an earlier attempt left there is gone. */
  async emptyFolder(): Promise<string> {
    const folder = process.getBuiltinModule('node:path').join(this.staging, 'unpacked');
    await process.getBuiltinModule('node:fs/promises').rm(folder, { recursive: true, force: true });
    return folder;
  }

  /** Puts whole files at their place and takes away the rest; gives their sizes. */
  async finish(files: readonly StagedFile[]): Promise<{ readonly name: string; readonly bytes: number }[]> {
    const fs = process.getBuiltinModule('node:fs/promises');
    const paths = process.getBuiltinModule('node:path');
    const placed = [];
    try {
      for (const { name, path } of files) {
        const place = paths.join(this.directory, name);
        await fs.mkdir(paths.dirname(place), { recursive: true });
        await fs.rename(path, place);
        placed.push({ name, bytes: (await fs.stat(place)).size });
      }
      await fs.rm(this.staging, { recursive: true, force: true });
    } catch (cause) {
      throw diskError(this.directory, cause);
    }
    return placed;
  }
}
