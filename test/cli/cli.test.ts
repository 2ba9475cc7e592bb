import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

let directory: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-cli-'));
});

afterEach(async () => {
  child?.kill('SIGKILL');
  child = undefined;
  await rm(directory, { recursive: true, force: true });
});

function start(args: readonly string[], env: Record<string, string> = {}): Run {
  const process_ = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env } });
  child = process_;
  const output = { out: '', error: '' };
  process_.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  process_.stderr.on('data', (chunk: Buffer) => (output.error += chunk.toString()));
  const ended = once(process_, 'close').then(([code]) => ({ ...output, code: code as number | null }));
  const url = async (): Promise<string> => {
    for (;;) {
      const [, found] = /^listening on (http:\/\/\S+)\n/.exec(output.out) ?? [];
      if (found !== undefined) return found;
      if (process_.exitCode !== null) throw new Error(`It ended: ${output.error}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { ended, url, kill: (signal) => process_.kill(signal) };
}

interface Run {
  readonly ended: Promise<{ out: string; error: string; code: number | null }>;
  readonly url: () => Promise<string>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

describe('rxtinker serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints its address, serves, and stops cleanly on %s', async (signal) => {
    const run = start(['serve', '--port', '0', '--threads', '1', '--data-dir', join(directory, 'new')]);
    const url = await run.url();
    expect(await (await fetch(`${url}/api/v1/healthz`)).json()).toEqual({ status: 'ok' });
    run.kill(signal);
    const { code, out } = await run.ended;
    expect(code).toBe(0);
    expect(out).toBe(`listening on ${url}\n`);
  });

  it('keeps what it answered as saved, though it is killed at once', async () => {
    const args = ['serve', '--threads', '1', '--data-dir', directory];
    const first = start(args);
    const api = async (url: string, path: string, body: unknown): Promise<Record<string, unknown>> => {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    const done = async (url: string, path: string, body: unknown): Promise<Record<string, unknown>> =>
      api(url, 'retrieve_future', { request_id: (await api(url, path, body)).request_id });
    const before = await first.url();
    const { session_id: session } = await api(before, 'create_session', { tags: [] });
    const model = { session_id: session, model_seq_id: 0, base_model: 'rxtinker/tiny', lora_config: { rank: 4 } };
    const { model_id: id } = await done(before, 'create_model', model);
    const { path } = await done(before, 'save_weights', { model_id: id, seq_id: 1, path: 'kept' });
    first.kill('SIGKILL');
    await first.ended;
    const after = await start(args).url();
    const { session_id: next } = await api(after, 'create_session', { tags: [] });
    const load = { session_id: next, model_seq_id: 0, path, optimizer: true };
    expect(await done(after, 'load_weights', load)).toMatchObject({ path, model_id: `${String(next)}:train:0` });
    const lost = await api(after, 'optim_step', { model_id: id, seq_id: 2 });
    expect(lost.detail).toContain('No model');
  });

  it('asks for the key that the environment holds', async () => {
    const run = start(['serve', '--threads', '1', '--api-key-env', 'THE_KEY'], { THE_KEY: 'tml-abc' });
    const url = `${await run.url()}/api/v1/healthz`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { 'x-api-key': 'tml-abc' } })).status).toBe(200);
  });

  it('says in two lines that a port is in use', async () => {
    const first = start(['serve', '--threads', '1']);
    const { port } = new URL(await first.url());
    const { code, error, out } = await start(['serve', '--threads', '1', '--port', port]).ended;
    first.kill('SIGTERM');
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(error).toMatch(new RegExp(`^rxtinker: .*port ${port} .*in use\\.\n.*free one\\.\n$`));
    expect((await first.ended).code).toBe(0);
  });

  it('says in two lines that a data directory can not be written, a key is missing or a host is public', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const cases: [string[], string][] = [
      [['--data-dir', file], file],
      [['--api-key-env', 'NOT_SET_AT_ALL'], 'NOT_SET_AT_ALL'],
      [['--host', '0.0.0.0'], '0.0.0.0'],
    ];
    for (const [args, named] of cases) {
      const { code, error } = await start(['serve', '--threads', '1', ...args]).ended;
      expect(code).toBe(1);
      expect(error).toContain(named);
      expect(error.trimEnd().split('\n')).toHaveLength(2);
    }
  });
});

describe('rxtinker', () => {
  it('shows its help and version', async () => {
    const lists = (text: string) => ({ code: 0, out: expect.stringContaining(text) as string, error: '' });
    expect(await start(['--help']).ended).toMatchObject(lists('serve'));
    expect(await start(['serve', '--help']).ended).toMatchObject(lists('--data-dir'));
    expect(await start(['--version']).ended).toMatchObject({ code: 0, out: '0.1.0\n' });
  });

  it.each([
    [[]],
    [['nonsense']],
    [['serve', '--nope']],
    [['serve', '--port', 'x']],
    [['serve', '--port', '70000']],
    [['serve', 'extra']],
  ])('ends with 2 and two lines on %j', async (args) => {
    const { code, error, out } = await start(args).ended;
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(error.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('rxtinker train', () => {
  it('saves and ends when nobody reads its output any more', async () => {
    const data = join(directory, 'data.jsonl');
    await writeFile(data, '{"text": "Humpty Dumpty sat on a wall."}\n');
    const folders = ['--data-dir', join(directory, 'kept'), '--output-dir', join(directory, 'run')];
    const args = ['--epochs', '100000', '--rank', '2', '--format', 'json'];
    const process_ = spawn(process.execPath, [main, 'train', '--data', data, ...folders, ...args]);
    child = process_;
    await once(process_.stdout, 'data');
    process_.stdout.destroy();
    const [code] = (await once(process_, 'close')) as [number | null];
    expect(code).toBe(0);
    expect(await readFile(join(directory, 'run', 'checkpoints.jsonl'), 'utf8')).toContain('"state_path"');
  });
});
