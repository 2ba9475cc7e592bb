import { type Environment, isNode, setting } from './environment.js';

/** The disk as far as tokenizers need it. */
export interface TokenizerFiles {
  /** The absolute path of the `tokenizer.json` that the path of a file or directory means. */
  locate(place: string): string;
  /** Where this package keeps a tokenizer from the hub. */
  cacheFile(id: string, revision: string): string;
  /** Where the Hugging Face libraries keep a repository of the hub. */
  hubDirectory(id: string): string;
  /** The `tokenizer.json` in such a directory; undefined where it lacks the revision or the file. */
  readSnapshot(directory: string, revision: string): Promise<string | undefined>;
  /** The content of a file; undefined where there is none. */
  read(file: string): Promise<string | undefined>;
  /** Writes a file in one move, so that no other process sees a part of it. */
  write(file: string, text: string): Promise<void>;
}

/**
 * The disk of this process; undefined in a browser. This is the only file of the folder that touches Node, and it does so
 * without imports, so that bundlers for browsers have nothing to resolve.
 */
export function nodeFiles(environment: Environment): TokenizerFiles | undefined {
  if (!isNode()) return undefined;
  const { homedir } = process.getBuiltinModule('node:os');
  const fs = process.getBuiltinModule('node:fs/promises');
  const path = process.getBuiltinModule('node:path');

  const home = setting(environment.HOME) ?? homedir();
  const caches = setting(environment.XDG_CACHE_HOME) ?? path.join(home, '.cache');
  const hubHome = setting(environment.HF_HOME) ?? path.join(caches, 'huggingface');
  const hubCache = setting(environment.HF_HUB_CACHE) ?? path.join(hubHome, 'hub');

  const read = async (file: string): Promise<string | undefined> => {
    try {
      return await fs.readFile(file, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };

  return {
    locate(place) {
      const absolute = path.resolve(place);
      return absolute.endsWith('.json') ? absolute : path.join(absolute, 'tokenizer.json');
    },
    cacheFile: (id, revision) =>
      path.join(caches, 'rxtinker', 'tokenizers', directoryName(id), directoryName(revision), 'tokenizer.json'),
    hubDirectory: (id) => path.join(hubCache, `models--${directoryName(id)}`),
    async readSnapshot(directory, revision) {
      const commit = (await read(path.join(directory, 'refs', revision)))?.trim() ?? revision;
      return read(path.join(directory, 'snapshots', commit, 'tokenizer.json'));
    },
    read,
    async write(file, text) {
      await fs.mkdir(path.dirname(file), { recursive: true });
      const part = `${file}.${process.pid}.${process.hrtime.bigint()}.part`;
      try {
        await fs.writeFile(part, text);
        await fs.rename(part, file);
      } finally {
        await fs.rm(part, { force: true });
      }
    },
  };
}

function directoryName(name: string): string {
  return name.replaceAll('/', '--');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
