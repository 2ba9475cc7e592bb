import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from './installation.js';

const START_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 15_000;

/** A SkyRL server with its JAX engine, in processes and a folder of its own. */
export class SkyrlServer implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly output: () => string,
  ) {}

  /** Starts a server and waits until it answers. */
  static async start({ environment, model, cache }: Installation): Promise<SkyrlServer> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'rxtinker-skyrl-'));
    const options = {
      'base-model': model,
      backend: 'jax',
      'backend-config': JSON.stringify({ max_lora_adapters: 8 }),
      host: '127.0.0.1',
      port: String(port),
      'database-url': `sqlite:///${join(folder, 'server.db')}`,
      'checkpoints-base': join(folder, 'checkpoints'),
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    // The server starts its engine by the command line of its own parent, so that must be uv.
    const child = spawn(join(environment, 'bin', 'uv'), ['run', '-m', 'skyrl.tinker.api', ...args], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: [join(environment, 'bin'), process.env.PATH].join(delimiter),
        VIRTUAL_ENV: environment,
        UV_PROJECT_ENVIRONMENT: environment,
        UV_CACHE_DIR: cache,
        UV_NO_PROJECT: '1',
        UV_OFFLINE: '1',
        HF_HUB_OFFLINE: '1',
        TRANSFORMERS_OFFLINE: '1',
        TOKENIZERS_PARALLELISM: 'false',
        JAX_PLATFORMS: 'cpu',
      },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const server = new SkyrlServer(`http://127.0.0.1:${port}`, child, folder, () => output);
    try {
      await server.answers();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** What the server printed last. */
  get log(): string {
    return this.output();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.signal('SIGTERM');
      await Promise.race([ended, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    }
    // The engine is a process of the same group.
    this.signal('SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async answers(): Promise<void> {
    const started = performance.now();
    while (performance.now() - started < START_LIMIT_MS) {
      if (this.child.exitCode !== null) throw new Error(`SkyRL ended while it started:\n${this.log}`);
      const health = await fetch(`${this.url}/api/v1/healthz`).catch(() => undefined);
      if (health?.ok === true) return;
      await sleep(200);
    }
    throw new Error(`SkyRL did not answer within ${START_LIMIT_MS / 1000} s:\n${this.log}`);
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      // ESRCH: nobody of the group is left.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Expected a port.');
  return address.port;
}
