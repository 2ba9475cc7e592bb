import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

/** `rxtinker serve`, in a process and a folder of its own. */
export class LocalServer implements AsyncDisposable {
  private constructor(
    readonly url: string,
    readonly key: string,
    readonly folder: string,
    private readonly child: ChildProcess,
    private readonly log: () => string,
  ) {}

  /** Starts a server that asks for a key, and waits until it listens. */
  static async start(): Promise<LocalServer> {
    const folder = await mkdtemp(join(tmpdir(), 'rxtinker-python-sdk-'));
    const key = 'tml-interop-check';
    const args = ['serve', '--data-dir', join(folder, 'data'), '--api-key-env', 'INTEROP_KEY'];
    const env = { ...process.env, INTEROP_KEY: key };
    const child = spawn(process.execPath, [command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const address = new Promise<string>((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const [, url] = /^listening on (\S+)\n/m.exec(output) ?? [];
        if (url !== undefined) resolve(url);
      });
      child.once('close', () => reject(new Error(`the server did not start: ${log.slice(-1000)}`)));
    });
    return new LocalServer(await address, key, folder, child, () => log);
  }

  /** Ends the server; gives the lines of its log that tell of errors. */
  async stop(): Promise<string[]> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'close');
    }
    return this.log()
      .split('\n')
      .filter((line) => line.includes('[rxtinker error]'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
