import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const killsAfterMs = [40, 150, 400];

let directory: string;
let child: ChildProcess | undefined;
let log: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-kill-'));
  log = '';
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const started = spawn(process.execPath, [main, 'serve', '--threads', '1', '--data-dir', directory]);
  child = started;
  started.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [line] = (await once(started.stdout, 'data')) as [Buffer];
  return line.toString().replace('listening on ', '').trim();
}

async function kill(): Promise<void> {
  const ended = child;
  if (ended === undefined) return;
  // It may be dead already, and then says so no more.
  if (ended.exitCode !== null || ended.signalCode !== null) return;
  const exit = once(ended, 'exit');
  ended.kill('SIGKILL');
  await exit;
}

async function call(url: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${url}/api/v1/${path}`, body === undefined ? {} : init);
  return (await response.json()) as Record<string, unknown>;
}

async function done(url: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  return call(url, 'retrieve_future', { request_id: (await call(url, path, body)).request_id });
}

it(
  'has every save that it answered, though it is killed in mid-save again and again',
  { timeout: 60_000 },
  async () => {
    const answered = new Set<string>();
    for (const killAfterMs of killsAfterMs) {
      const url = await start();
      const { session_id: session } = await call(url, 'create_session', { tags: [] });
      const model = { session_id: session, model_seq_id: 0, base_model: 'rxtinker/tiny', lora_config: { rank: 64 } };
      const { model_id: id } = await done(url, 'create_model', model);
      // Several saves are under way at each moment, some of them over an older version.
      let seqId = 0;
      const saving = Array.from({ length: 3 }, async () => {
        for (;;) {
          seqId += 1;
          const name = seqId % 2 === 0 ? 'again' : `once-${seqId}`;
          const saved = await done(url, 'save_weights', { model_id: id, seq_id: seqId, path: name, overwrite: true });
          answered.add(String(saved.path));
        }
      });
      const enough = answered.size + 2;
      while (answered.size < enough) await new Promise((resolve) => setTimeout(resolve, 5));
      setTimeout(() => child?.kill('SIGKILL'), killAfterMs);
      // The connections break: all that was answered is in the set.
      await Promise.allSettled(saving);
      await kill();
    }
    const url = await start();
    const { checkpoints } = await call(url, 'checkpoints?limit=100000');
    const listed = (checkpoints as { tinker_path: string }[]).map(({ tinker_path }) => tinker_path);
    expect([...answered].filter((path) => !listed.includes(path))).toEqual([]);
    expect(answered.size).toBeGreaterThan(killsAfterMs.length);
    // What is listed is whole, answered or not; nothing else is left out or damaged.
    expect(log).not.toContain('Left out');
    const { session_id: session } = await call(url, 'create_session', { tags: [] });
    const again = listed.filter((path) => path.endsWith('/again'));
    for (const [index, path] of [...again, ...listed.slice(-3)].entries()) {
      const load = { session_id: session, model_seq_id: index, path, optimizer: true };
      expect(await done(url, 'load_weights', load)).toMatchObject({ path });
    }
  },
);
