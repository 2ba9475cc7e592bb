import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Skip } from './report.js';

/** A SkyRL server's environment and its base model. */
export interface Installation {
  /** The virtual environment. */
  readonly environment: string;
  readonly model: string;
  readonly cache: string;
}

/** The sources, seen from the build. */
const sources = fileURLToPath(new URL('../../../../test/interop/', import.meta.url));
const recipe = ['requirements-alone.txt', 'requirements.txt', 'make_model.py'].map((name) =>
  join(sources, 'skyrl', name),
);

/**
 * Installs SkyRL from the package index into a cache, once for each recipe: about a minute and 2.5 GB.
 *
 * @throws Skip where it can't be installed here
 */
export async function install(): Promise<Installation> {
  const root = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rxtinker-interop', 'skyrl');
  const hash = createHash('sha256');
  for (const file of recipe) hash.update(await readFile(file));
  const folder = join(root, hash.digest('hex').slice(0, 12));
  const installation = { environment: join(folder, 'venv'), model: join(folder, 'tiny'), cache: join(root, 'uv') };
  const ready = join(folder, 'ready');
  if (await exists(ready)) return installation;
  await requireTools();
  const python = await findPython();
  console.log(`installing SkyRL into ${folder}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await fill(installation, python, folder);
  } catch (error) {
    throw new Skip(`SkyRL can't be installed: ${error instanceof Error ? error.message : String(error)}`);
  }
  await writeFile(ready, '');
  return installation;
}

async function fill({ environment, model, cache }: Installation, python: string, folder: string): Promise<void> {
  const inside = join(environment, 'bin', 'python');
  const env = { UV_CACHE_DIR: cache, TMPDIR: folder, HF_HUB_OFFLINE: '1' };
  const [alone = '', needed = '', makeModel = ''] = recipe;
  const uv = [join(environment, 'bin', 'uv'), 'pip', 'install', '--quiet', '--python', inside];
  await runToEnd([python, '-m', 'venv', environment], env);
  await runToEnd([inside, '-m', 'pip', 'install', '--quiet', 'uv'], env);
  await runToEnd([...uv, '--no-deps', '--requirement', alone], env);
  await runToEnd([...uv, '--requirement', needed], env);
  const [library = ''] = await readdir(join(environment, 'lib'));
  const packages = join(environment, 'lib', library, 'site-packages');
  await runToEnd([inside, join(sources, 'python-sdk', 'torch_without_gpu.py'), packages], env);
  await runToEnd([inside, makeModel, model], env);
}

async function requireTools(): Promise<void> {
  for (const tool of ['gcc', 'readelf', 'nm']) {
    await runToEnd([tool, '--version']).catch(() => {
      throw new Skip(`${tool} is not installed; PyTorch needs it to run without GPU libraries`);
    });
  }
}

/** Python 3.12 or 3.13: what `PYTHON` names, one on the path, or one of pyenv's. */
async function findPython(): Promise<string> {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const installed = await readdir(versions).catch(() => []);
  const candidates = [
    ...(process.env.PYTHON === undefined ? [] : [process.env.PYTHON]),
    'python3.12',
    'python3.13',
    ...installed.filter((name) => /^3[.]1[23]/.test(name)).map((name) => join(versions, name, 'bin', 'python3')),
  ];
  const check = 'import sys, venv; sys.exit(not (3, 12) <= sys.version_info < (3, 14))';
  for (const candidate of candidates) {
    const usable = await runToEnd([candidate, '-c', check]).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  throw new Skip('SkyRL needs Python 3.12 or 3.13, and there is none here (PYTHON can name one)');
}

async function runToEnd(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [status] = (await once(child, 'close')) as (number | null)[];
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${String(status)}: ${errors.slice(-600)}`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
