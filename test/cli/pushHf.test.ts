import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalServer, startLocalServer } from 'rxtinker/local';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileFilter } from '../../src/cli/huggingFace/filePatterns.js';
import { emptyRepo, type Hub, playHub } from './playHub.js';
import { type CommandResult, runCommand } from './runCommand.js';
import { workFolder } from './workFolder.js';

let work: Awaited<ReturnType<typeof workFolder>>;
let server: LocalServer;
let state: string;
let hub: Hub;

beforeAll(async () => {
  work = await workFolder();
  server = await startLocalServer({ threads: 1 });
  const data = join(work.path, 'data.jsonl');
  await writeFile(data, `${JSON.stringify({ text: 'Jack and Jill went up the hill.' })}\n`);
  const args = ['--model', 'rxtinker/tiny', '--data', data, '--output-dir', join(work.path, 'run'), '--rank', '4'];
  const trained = await runCommand(['-f', 'json', 'train', '--base-url', server.url, '--epochs', '1', ...args]);
  state = (JSON.parse(trained.out.trim().split('\n').at(-1) ?? '') as { state_path: string }).state_path;
});
afterAll(async () => {
  await server.close();
  await work.remove();
});
beforeEach(async () => {
  hub = await playHub();
});
afterEach(() => hub[Symbol.asyncDispose]());

const temporary = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('rxtinker-push-'));

const push = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> => {
  const result = await runCommand(['checkpoint', 'push-hf', state, '--base-url', server.url, ...args], {
    env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: hub.token, HOME: work.path, ...env },
  });
  expect(result.out + result.err).not.toContain(hub.token);
  return result;
};
const pushed = async (...args: readonly string[]): Promise<unknown> => {
  const { code, out, err } = await push(['-f', 'json', ...args]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as unknown;
};
const filesOf = (repo: string, branch = 'main') => hub.repos.get(repo)?.branches.get(branch);
const refused = async (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> => {
  const { code, out, err } = await push(args, env);
  expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 2 });
  return err;
};

describe('a checkpoint', () => {
  test('goes to a private repository, with its base model and a card, and leaves nothing behind', async () => {
    const before = await temporary();
    expect(await pushed('--repo', 'me/rhymes')).toEqual({
      checkpoint_path: state,
      repo_id: 'me/rhymes',
      public: false,
    });
    expect(hub.repos.get('me/rhymes')?.isPrivate).toBe(true);
    expect(hub.repos.get('me/rhymes')?.commits).toEqual([
      { branch: 'main', summary: `Upload ${state}`, isPullRequest: false },
    ]);
    const files = filesOf('me/rhymes');
    expect([...(files?.keys() ?? [])].sort()).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
    ]);
    const config = JSON.parse(files?.get('adapter_config.json')?.toString() ?? '') as unknown;
    expect(config).toMatchObject({ base_model_name_or_path: 'rxtinker/tiny', r: 4, peft_type: 'LORA' });
    const card = files?.get('README.md')?.toString() ?? '';
    expect(card).toMatch(/^---\nbase_model: "rxtinker\/tiny"\n(.*\n)*library_name: peft\n(.*\n)*---\n\n# rhymes\n/);
    for (const part of ['| LoRA rank  | 4 |', state, 'from_pretrained(model, "me/rhymes")'])
      expect(card).toContain(part);

    await runCommand(['checkpoint', 'download', state, '-o', work.path, '--base-url', server.url]);
    const folder = join(work.path, state.slice('tinker://'.length).replaceAll(/[/:]/g, '_'));
    const weights = await readFile(join(folder, 'adapter_model.safetensors'));
    expect(files?.get('adapter_model.safetensors')?.equals(weights)).toBe(true);
    expect(await temporary()).toEqual(before);
  });

  test('shows the token to the hub in one header alone', async () => {
    await pushed('--repo', 'me/rhymes');
    expect(hub.requests.length).toBeGreaterThan(5);
    for (const { url, headers, body } of hub.requests) {
      const { authorization, ...others } = headers;
      expect(authorization).toBe(url.startsWith('/lfs/') ? undefined : `Bearer ${hub.token}`);
      expect(JSON.stringify([url, others]) + body.toString('latin1')).not.toContain(hub.token);
    }
  });

  test('is named after its run where no repository is given, on a branch named after it', async () => {
    const [, , run = '', kind = '', name = ''] = state.split('/');
    const repo = `me/tinker-tiny-${run.replaceAll(/[^\w.-]+/g, '-')}`;
    expect(await pushed()).toMatchObject({ repo_id: repo, revision: `${kind}-${name}` });
    expect(filesOf(repo)?.size).toBe(0);
    expect(filesOf(repo, `${kind}-${name}`)?.size).toBe(3);
    expect(filesOf(repo, `${kind}-${name}`)?.get('README.md')?.toString()).toContain(`, revision="${kind}-${name}")`);
  });

  test('goes to a public one, a branch, and a pull request with a message when asked', async () => {
    const asked = ['--public', '--revision', 'dev/two', '--commit-message', 'Second try', '--create-pr'];
    expect(await pushed('-r', 'team/rhymes', ...asked)).toEqual({
      checkpoint_path: state,
      repo_id: 'team/rhymes',
      revision: 'dev/two',
      public: true,
      pull_request_url: `${hub.endpoint}/team/rhymes/discussions/1`,
    });
    const repo = hub.repos.get('team/rhymes');
    expect(repo?.isPrivate).toBe(false);
    expect(repo?.commits).toEqual([{ branch: 'dev/two', summary: 'Second try', isPullRequest: true }]);
  });

  test('is added to a repository that is there, by the token of a login, and tells it', async () => {
    hub.repos.set('me/old', emptyRepo(true));
    await mkdir(join(work.path, 'hf'), { recursive: true });
    await writeFile(join(work.path, 'hf', 'token'), `${hub.token}\n`);
    const { code, out, err } = await push(['--repo', 'old', '--public'], {
      HF_TOKEN: '',
      HF_HOME: join(work.path, 'hf'),
    });
    expect(code).toBe(0);
    expect(out).toContain(`Checkpoint: ${state}\nRepository: me/old\nPublic:     no\n`);
    expect(err).toContain('me/old was there before and stays private');
    expect(filesOf('me/old')?.size).toBe(3);
  });

  test.each([
    [['--no-model-card'], ['adapter_config.json', 'adapter_model.safetensors']],
    [
      ['--allow-pattern', '*.json', '--allow-pattern', 'README*'],
      ['README.md', 'adapter_config.json'],
    ],
    [['--ignore-pattern', '*.[jm][sd]*'], ['adapter_model.safetensors']],
  ])('goes with %j as %j', async (args, names) => {
    await pushed('--repo', 'me/part', ...args);
    expect([...(filesOf('me/part')?.keys() ?? [])].sort()).toEqual(names);
  });
});

describe('an upload is refused', () => {
  test('without a token, before anything is asked', async () => {
    const err = await refused(['--repo', 'me/rhymes'], { HF_TOKEN: '' });
    expect(err).toContain(`HF_TOKEN or in ${join(work.path, '.cache', 'huggingface', 'token')}, found none.\nMake one`);
    expect(hub.requests).toEqual([]);
  });

  test('with a token that is wrong or none', async () => {
    const wrong = await refused(['--repo', 'me/rhymes'], { HF_TOKEN: 'hf_Wrong' });
    expect(wrong).toContain('got status 401: Invalid username or password.\nSet HF_TOKEN');
    const none = await refused(['--repo', 'me/rhymes'], { HF_TOKEN: 'secret word' });
    expect(none).toContain('to be hf_ and letters or digits.\n');
    expect(wrong + none).not.toMatch(/hf_Wrong|secret word/);
  });

  test('where the token may not write', async () => {
    const err = await refused(['--repo', 'others/rhymes']);
    expect(err).toContain('to make others/rhymes, got status 403: You don');
    expect(err).toContain('\nUse a token that may write there');
  });

  test('where everybody could read it unasked, and leaves the repository as it was', async () => {
    hub.repos.set('me/open', emptyRepo(false));
    expect(await refused(['--repo', 'me/open'])).toContain('everybody can read it.\nGive --public');
    expect(hub.repos.get('me/open')?.commits).toEqual([]);
  });

  test.each([
    [['--repo', '../secrets'], 'Expected --repo to be like owner/name, got "../secrets".'],
    [['--repo', 'me/x', '--allow-pattern', '*.txt'], 'Expected a file that the patterns let through'],
  ])('for %j', async (args, message) => {
    expect(await refused(args)).toContain(message);
    expect(hub.repos.size).toBe(0);
  });

  test('where no hub answers', async () => {
    await hub[Symbol.asyncDispose]();
    expect(await refused(['--repo', 'me/x'])).toMatch(/ECONNREFUSED.*\.\nCheck the connection, or HF_ENDPOINT\.\n$/);
  });

  test('by whoever ends the command while the hub is silent', async () => {
    const asked = new AbortController();
    const silent = createServer(() => {
      asked.abort('SIGINT');
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const env = { HF_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, HF_TOKEN: hub.token };
    const args = ['checkpoint', 'push-hf', state, '--base-url', server.url];
    expect(await runCommand(args, { env, signal: asked.signal })).toEqual({ code: 130, out: '', err: '' });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});

test.each([
  ['*.json', 'a/b.json', true],
  ['*.json', 'b.jsonl', false],
  ['?.md', 'ab.md', false],
  ['a/', 'a/b/c', true],
  ['[!a]*', 'abc', false],
  ['[]x]', ']', true],
  ['a+(b)', 'a+(b)', true],
  ['[', '[', true],
])('the pattern %j on %j: %j', (pattern, name, is) => {
  expect(fileFilter({ allowPattern: [pattern] })(name)).toBe(is);
  expect(fileFilter({ ignorePattern: [pattern] })(name)).toBe(!is);
});
