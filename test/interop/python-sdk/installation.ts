import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from './runToEnd.js';
import { scripts } from './scripts.js';

/** Where Python and what the checks need is installed. */
export interface Installation {
  /** The interpreter of the SDK's own environment. */
  readonly python: string;
  /** A folder with PyTorch, or why there is none. */
  readonly torch: { readonly folder: string } | { readonly missing: string };
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rxtinker-interop', 'python-sdk');
const torchNeeds = ['sympy', 'mpmath', 'networkx', 'jinja2', 'markupsafe'];

/**
 * Installs one version of the SDK from the package index, once, into an environment of its own: half a minute, 350 MB.
 *
 * @param withTorch Whether PyTorch, too: another minute and 1.3 GB, shared by all versions.
 * @throws Error where it can't be installed here
 */
export async function install(version: string, withTorch: boolean): Promise<Installation> {
  const environment = join(cache, `tinker-${version}`);
  const python = join(environment, 'bin', 'python');
  await once(environment, async () => {
    await runToEnd([process.env.PYTHON ?? 'python3', '-m', 'venv', environment]);
    await runToEnd([python, '-m', 'pip', 'install', '--quiet', '--retries', '2', `tinker==${version}`]);
  });
  if (!withTorch) return { python, torch: { missing: 'it was not asked for (--torch)' } };
  try {
    const minor = await runToEnd([python, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    const folder = join(cache, `torch-python${minor.trim()}`);
    await once(folder, async () => {
      const install = [python, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder];
      await runToEnd([...install, 'torch', ...torchNeeds]);
      await runToEnd([python, join(scripts, 'torch_without_gpu.py'), folder]);
    });
    return { python, torch: { folder } };
  } catch (error) {
    return { python, torch: { missing: error instanceof Error ? error.message : String(error) } };
  }
}

/** Fills a folder unless an earlier run has filled it to the end. */
async function once(folder: string, fill: () => Promise<void>): Promise<void> {
  const ready = join(folder, 'rxtinker-ready');
  const isReady = await access(ready).then(
    () => true,
    () => false,
  );
  if (isReady) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await fill();
  await writeFile(ready, '');
}
