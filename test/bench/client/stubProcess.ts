import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StubCounts, StubSettings } from './stubSettings.js';

/** The stub server in a process of its own. */
export class StubProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<StubProcess> {
    const child = fork(fileURLToPath(new URL('./stubServer.js', import.meta.url)), { execArgv: [] });
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new StubProcess(child, url);
  }

  /** Begins a run: forgets what was, and answers by these settings. */
  async begin(settings: StubSettings): Promise<void> {
    this.child.send(settings);
    await once(this.child, 'message');
  }

  /** What was counted since `begin`. */
  async counts(): Promise<StubCounts> {
    this.child.send('counts');
    const [counts] = (await once(this.child, 'message')) as [StubCounts];
    return counts;
  }

  stop(): void {
    this.child.disconnect();
  }
}
