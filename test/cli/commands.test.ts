import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalServer, startLocalServer } from 'rxtinker/local';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from './runCommand.js';
import { workFolder } from './workFolder.js';

let work: Awaited<ReturnType<typeof workFolder>>;
let server: LocalServer;
/** The run's checkpoints. */
let state: string;
let sampler: string;
const at = (name: string): string => join(work.path, name);
const text = 'Jack and Jill went up the hill to fetch a pail of water.';

beforeAll(async () => {
  work = await workFolder();
  server = await startLocalServer({ threads: 1 });
  await writeFile(at('data.jsonl'), `${JSON.stringify({ text })}\n`);
  const args = [
    '--model',
    'rxtinker/tiny',
    '--data',
    at('data.jsonl'),
    '--output-dir',
    at('run'),
    '--epochs',
    '40',
    '--rank',
    '4',
    '--lr',
    '1e-2',
  ];
  const trained = await runCommand(['-f', 'json', 'train', '--base-url', server.url, '--save-every', '40', ...args]);
  const finished = JSON.parse(trained.out.trim().split('\n').at(-1) ?? '') as Record<string, string>;
  state = finished.state_path ?? '';
  sampler = finished.sampler_path ?? '';
});

afterAll(async () => {
  await server.close();
  await work.remove();
});

const table = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await runCommand([...args, '--base-url', server.url]);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out;
};
const json = async (...args: string[]): Promise<unknown> => JSON.parse(await table('-f', 'json', ...args)) as unknown;
const runId = (): string => state.split('/')[2] ?? '';

describe('listings', () => {
  test('model list', async () => {
    expect(await table('model', 'list')).toMatch(/^MODEL +CONTEXT.*\nrxtinker\/tiny +\d+\n$/);
    expect(await table('model', 'list', 'nothing-like-it')).toBe('No such models.\n');
    expect(await json('model', 'list', 'TINY')).toMatchObject({ models: [{ model_name: 'rxtinker/tiny' }] });
  });

  test('run list and info', async () => {
    const [titles, row] = (await table('run', 'list', '-c', 'id,lora,checkpoint')).split('\n');
    expect(titles).toMatch(/^ID +LORA +CHECKPOINT$/);
    expect(row).toContain(`${runId()}  rank 4  weights/run-000040`);
    expect(await json('run', 'list', '--limit', '0')).toMatchObject({ runs: [{ training_run_id: runId() }] });
    expect(await table('run', 'info', runId())).toContain('Base model:                rxtinker/tiny\n');
    expect(await json('run', 'info', runId())).toMatchObject({ lora_rank: 4, last_checkpoint: { tinker_path: state } });
  });

  test('checkpoint list and info', async () => {
    expect(await table('checkpoint', 'list')).toMatch(/^PATH +TYPE +SIZE +PUBLIC +CREATED +EXPIRES\n/);
    const { checkpoints } = (await json('checkpoint', 'list', '--run-id', runId())) as { checkpoints: unknown[] };
    expect(checkpoints).toHaveLength(2);
    expect(await json('checkpoint', 'list', '--limit', '1')).toMatchObject({ checkpoints: [{}] });
    expect(await table('checkpoint', 'info', state)).toContain(`Checkpoint: ${state}\nType:       training\n`);
    expect(await json('checkpoint', 'info', sampler)).toMatchObject({ checkpoint_type: 'sampler', lora_rank: 4 });
  });

  test('billing, as tables, JSON and CSV', async () => {
    const times = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    expect(await table('billing', 'usage', ...times)).toBe('Nothing was used in this time.\n');
    expect(await json('billing', 'usage', ...times)).toMatchObject({ data: [], sessions: {} });
    expect(await table('billing', 'usage', ...times, '--csv', '-')).toMatch(/^bucket_start,bucket_end,.*\n$/);
    expect(await json('billing', 'checkpoint-storage')).toHaveProperty('data');
    await table('billing', 'checkpoint-storage', '--csv', at('storage.csv'));
    expect(await readFile(at('storage.csv'), 'utf8')).toContain('checkpoint_count,size_bytes');
  });

  test('auth status and version', async () => {
    expect(await table('auth', 'status')).toBe('Credentials available: no\nTinker accessible: yes\n');
    expect((await runCommand(['version'])).out).toMatch(/^rxtinker \d+\.\d+\.\d+/);
  });
});

describe('checkpoints', () => {
  test('are published, taken back, and kept for a while', async () => {
    const shown = () => json('checkpoint', 'info', state);
    await table('checkpoint', 'publish', state);
    expect(await shown()).toMatchObject({ public: true });
    await table('checkpoint', 'unpublish', state);
    expect(await shown()).toMatchObject({ public: false });
    await table('checkpoint', 'set-ttl', state, '--ttl', '3600');
    expect(await shown()).toHaveProperty('expires_at');
    await table('checkpoint', 'set-ttl', state, '--remove');
    expect(await shown()).not.toHaveProperty('expires_at');
  });

  test('are downloaded into a folder of their own, imported and merged', async () => {
    const folder = at(state.slice('tinker://'.length).replaceAll(/[/:]/g, '_'));
    expect(await table('checkpoint', 'download', state, '-o', work.path)).toContain(`to ${folder}:\n`);
    expect((await readdir(folder)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const again = ['checkpoint', 'download', state, '-o', work.path, '--base-url', server.url];
    expect(await runCommand(again)).toMatchObject({ code: 1, err: expect.stringContaining('--force') as string });
    expect(await json('checkpoint', 'download', state, '-o', work.path, '--force')).toMatchObject({
      checkpoint_path: state,
      destination: folder,
    });
    const imported = await runCommand(
      ['checkpoint', 'import', folder, '--base-model', 'rxtinker/tiny', '--data-dir', at('imported')], // prettier-ignore
    );
    expect(imported).toMatchObject({ code: 0, out: expect.stringMatching(/^tinker:\/\/.*\/weights\/.*\n$/) as string });
    await table('checkpoint', 'export', state, '--base-model', 'rxtinker/tiny', '-o', at('merged'));
    expect(await readdir(at('merged'))).toEqual(expect.arrayContaining(['config.json', 'model.safetensors']));
  });

  test('are sampled from and measured', async () => {
    const written = await table('sample', '--model', sampler, '--temperature', '0', 'Jack and Jill went up');
    expect(written).toBe(`${text}\n`);
    const piped = await runCommand(
      ['-f', 'json', 'sample', '--model', sampler, '-n', '2', '--max-tokens', '3', '--base-url', server.url],
      { input: 'Jack and\n' },
    );
    expect(JSON.parse(piped.out)).toMatchObject({ prompt: 'Jack and', samples: [{ tokens: 3 }, { tokens: 3 }] });
    const { nll, examples } = (await json('eval', '--model', sampler, '--data', at('data.jsonl'))) as {
      nll: number;
      examples: number;
    };
    const base = (await json('eval', '--data', at('data.jsonl'))) as { nll: number };
    expect(examples).toBe(1);
    expect(nll).toBeLessThan(base.nll / 2);
    expect((await runCommand(['sample', '--chat', '--model', sampler, '--max-tokens', '4', '--base-url', server.url, 'Hi'])).code).toBe(0); // prettier-ignore
  });

  test('are deleted by path and by what matches, those that fail are told', async () => {
    const args = ['checkpoint', 'delete', '--base-url', server.url];
    expect(await runCommand([...args, state])).toMatchObject({
      code: 1,
      err: expect.stringContaining('--yes') as string,
    });
    const missing = `tinker://${runId()}/weights/missing`;
    const { code, out } = await runCommand(['-f', 'json', ...args, '-y', missing, sampler]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ deleted_count: 1, failed: [{ tinker_path: missing }] });
    const past = await runCommand([...args, '-y', '--run-id', runId(), '--before', '2020-01-01']);
    expect(past).toMatchObject({ code: 0, out: 'Deleted 0 checkpoints.\n' });
    const rest = await runCommand([...args, '-y', '--run-id', runId(), '--type', 'training']);
    expect(rest.out).toBe('Deleted 1 checkpoint.\n');
    expect(await table('checkpoint', 'list')).toBe('No checkpoints.\n');
  });
});

describe('keys', () => {
  test('login checks and stores a key, logout forgets it', async () => {
    const keyed = await startLocalServer({ threads: 1, apiKey: 'tml-right' });
    const env = { HOME: at('home') };
    const auth = (command: string, input = '') =>
      runCommand(['auth', command, '--base-url', keyed.url], { env, input: `${input}\n` });
    expect(await auth('login', 'tml-wrong')).toMatchObject({
      code: 1,
      err: expect.stringContaining('know this key') as string,
    });
    expect(existsSync(at('home'))).toBe(false);
    const done = await auth('login', 'tml-right');
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('Logged in as') as string });
    expect(done.out + done.err).not.toContain('tml-right');
    expect((await auth('status')).out).toBe('Credentials available: yes\nTinker accessible: yes\n');
    expect(await auth('login', 'tml-right')).toMatchObject({
      code: 1,
      err: expect.stringContaining('logout') as string,
    });
    expect(await auth('logout')).toMatchObject({ code: 0 });
    expect(await auth('logout')).toMatchObject({ code: 1 });
    await keyed.close();
  });
});

describe('errors', () => {
  test.each([
    [['checkpoint', 'info', 'nonsense'], 1, 'Expected a path like tinker://'],
    [['run', 'info', 'missing'], 1, '404'],
    [['run', 'list', '-c', 'id,nope'], 2, 'Expected --columns out of'],
    [['checkpoint', 'set-ttl', 'tinker://a/weights/b'], 2, 'Expected either --ttl SECONDS or --remove.'],
    [['checkpoint', 'delete'], 2, 'Expected either paths or --run-id.'],
    [['checkpoint'], 2, 'Expected a command.'],
    [['sample', '--system', 'x', 'y'], 2, 'Expected --system with --chat.'],
    [['model', 'list', '-f', 'xml'], 2, 'Allowed choices are table, json.'],
    [['checkpoint', 'lst'], 2, 'Did you mean list?'],
  ])('%j', async (args, code, message) => {
    const result = await runCommand([...args, ...(args.length > 1 ? ['--base-url', server.url] : [])]);
    expect(result).toMatchObject({ code, out: '', err: expect.stringContaining(message) as string });
    expect(result.err.trimEnd().split('\n')).toHaveLength(2);
  });

  test('a server that is not there, and a command that is interrupted', async () => {
    const asked = new AbortController();
    const waiting = runCommand(['model', 'list', '--base-url', 'http://127.0.0.1:1'], { signal: asked.signal });
    asked.abort('SIGINT');
    expect(await waiting).toMatchObject({ code: 130, out: '' });
  });
});
