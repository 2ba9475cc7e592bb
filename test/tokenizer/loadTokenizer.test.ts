import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { EMPTY, firstValueFrom, of, throwError } from 'rxjs';
import { describe, expect, test, vi } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { tinyDirectory, tinyTokenizerFile } from '../../src/local/models/index.js';
import { loadTokenizer, xenovaTokenizer } from '../../src/tokenizer/index.js';
import { nodeFiles } from '../../src/tokenizer/nodeFiles.js';
import { hubServer } from './hubServer.js';
import { cached, environment, failure, file, home, loadFresh, loadNow, put, refusing, serving } from './loadFresh.js';

const commit = '0123456789abcdef0123456789abcdef01234567';

describe('a path', () => {
  test.each([
    ['a directory', tinyDirectory],
    ['a file', tinyTokenizerFile],
    ['a relative directory', `./${relative(process.cwd(), tinyDirectory)}`],
    ['a relative file', relative(process.cwd(), tinyTokenizerFile)],
  ])('may be %s', async (_, path) => {
    const tokenizer = await loadNow(path);
    expect(tokenizer.id).toBe(path);
    expect(tokenizer.decode(tokenizer.encode('Alice'))).toBe('Alice');
  });

  test('that does not exist is named in the error', async () => {
    const error = await failure(loadFresh(join(home, 'nowhere')));
    expect(error).toMatchObject({ code: 'tokenizer_unavailable', retryable: false });
    expect(error.message).toContain(`${join(home, 'nowhere', 'tokenizer.json')}: has no such file`);
    expect(error.message).toContain('Pass the path of a tokenizer.json');
  });

  test.each([
    ['{', 'JSON'],
    ['[]', 'expected the content of a tokenizer.json, got an empty array'],
    ['{"model": {"type": "Other"}}', 'tokenizer.json: '],
  ])('of a file with the content %s is refused', async (content, message) => {
    await put(join(home, 'tokenizer.json'), content);
    const error = await failure(loadFresh(home));
    expect(error.code).toBe('tokenizer_unavailable');
    expect(error.message).toContain(message);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe('the hub', () => {
  test('is asked for the file once, and the disk after that', async () => {
    await using hub = await serving();
    const options = { endpoint: hub.endpoint };
    const tokenizer = await loadNow('some/model', options);
    expect(tokenizer.vocabularySize).toBe(1024);
    expect(hub.requests).toEqual([{ path: '/some/model/resolve/main/tokenizer.json', authorization: undefined }]);
    expect(await readFile(cached('some/model'), 'utf8')).toBe(file);
    expect(await readdir(dirname(cached('some/model')))).toEqual(['tokenizer.json']);

    await loadNow('some/model', options);
    expect(hub.requests.length).toBe(1);
    await hub[Symbol.asyncDispose]();
    expect((await loadNow('some/model', options)).encode('Alice')).toEqual(tokenizer.encode('Alice'));
  });

  test('is found by HF_ENDPOINT, given HF_TOKEN and the revision', async () => {
    await using hub = await serving();
    Object.assign(environment, { HF_ENDPOINT: `${hub.endpoint}/`, HF_TOKEN: 'hf_test' });
    await loadNow('gpt2', { revision: 'refs/pr/1' });
    expect(hub.requests).toEqual([
      { path: '/gpt2/resolve/refs%2Fpr%2F1/tokenizer.json', authorization: 'Bearer hf_test' },
    ]);
  });

  test('is asked for the revision that the service pins', async () => {
    await using hub = await serving();
    await loadNow('moonshotai/Kimi-K2.6', { endpoint: hub.endpoint });
    expect(hub.requests[0]?.path).toBe(
      '/moonshotai/Kimi-K2.6/resolve/b5aabbfb20227ed42becbf5541dbffd213942c58/tokenizer.json',
    );
  });

  test.each([
    [401, 'set HF_TOKEN', false],
    [403, 'set HF_TOKEN', false],
    [404, 'Check the name', false],
    [429, 'HF_ENDPOINT', true],
    [503, 'HF_ENDPOINT', true],
  ])('that answers %i', async (status, advice, retryable) => {
    await using hub = await refusing(status);
    const error = await failure(loadFresh('some/model', { endpoint: hub.endpoint }));
    expect(error).toMatchObject({ code: 'tokenizer_unavailable', retryable, details: { status } });
    expect(error.message).toContain(advice);
    expect(await readdir(home)).toEqual([]);
  });

  test('that cannot be reached: says what was wanted, where it was looked for and what to do', async () => {
    const hub = await serving();
    await hub[Symbol.asyncDispose]();
    const error = await failure(loadFresh('some/model', { endpoint: hub.endpoint, fromServer: EMPTY }));
    const lines = error.message.split('\n');
    expect(lines).toEqual([
      'Expected to find the tokenizer some/model (tokenizer.json of revision main), and did not:',
      '- the server: has no such file',
      `- ${cached('some/model')}: has no such file`,
      `- ${join(home, '.cache/huggingface/hub/models--some--model')}: has no such file`,
      expect.stringMatching(/^- http:.*\/some\/model\/resolve\/main\/tokenizer.json: no connection \(.*ECONNREFUSED/),
      'Check the connection, or set HF_ENDPOINT to a hub that can be reached. ' +
        `Or get the file by other means and pass its path, or put it at ${cached('some/model')}.`,
    ]);
    expect(error.retryable).toBe(true);

    await put(cached('some/model'), file);
    expect((await loadNow('some/model', { endpoint: hub.endpoint })).vocabularySize).toBe(1024);
  });

  test('that sends no tokenizer.json leaves nothing on disk', async () => {
    await using hub = await serving('<html>');
    const error = await failure(loadFresh('some/model', { endpoint: hub.endpoint }));
    expect(error.message).toMatch(/http:.*Unexpected token/);
    expect(await readdir(home)).toEqual([]);
  });

  test('is asked again where the file on disk is damaged', async () => {
    await using hub = await serving();
    await put(cached('some/model'), file.slice(0, 1000));
    await loadNow('some/model', { endpoint: hub.endpoint });
    expect(await readFile(cached('some/model'), 'utf8')).toBe(file);
  });

  test('serves where the disk takes no file', async () => {
    await using hub = await serving();
    await writeFile(join(home, '.cache'), 'a file where a directory should be');
    expect((await loadNow('some/model', { endpoint: hub.endpoint })).vocabularySize).toBe(1024);
  });

  test('that is slow is given up after the deadline', async () => {
    await using hub = await hubServer((response) => response.writeHead(200).write('{'));
    const error = await failure(loadFresh('some/model', { endpoint: hub.endpoint, timeoutMs: 50 }));
    expect(error.message).toContain('no answer within 50 ms');
    expect(error.retryable).toBe(true);
    await vi.waitFor(() => expect(hub.aborted()).toBe(1));
  });

  test('is reached by an injected fetch', async () => {
    const urls: string[] = [];
    await loadNow('some/model', {
      fetch: (url) => {
        urls.push(url);
        return Promise.resolve(new Response(file));
      },
    });
    expect(urls).toEqual(['https://huggingface.co/some/model/resolve/main/tokenizer.json']);
  });
});

describe('other places', () => {
  test('the cache of the Hugging Face libraries, by branch and by commit', async () => {
    const snapshots = join('hub', 'models--some--model', 'snapshots', commit);
    await put(join(home, 'hf', snapshots, 'tokenizer.json'), file);
    await put(join(home, 'hf', 'hub', 'models--some--model', 'refs', 'main'), `${commit}\n`);
    Object.assign(environment, { HF_HOME: join(home, 'hf') });
    await using hub = await refusing(404);
    const options = { endpoint: hub.endpoint };
    expect((await loadNow('some/model', options)).vocabularySize).toBe(1024);
    expect((await loadNow('some/model', { ...options, revision: commit })).vocabularySize).toBe(1024);
    expect(hub.requests).toEqual([]);
    await failure(loadFresh('some/model', { ...options, revision: 'other' }));
    expect(hub.requests.length).toBe(1);
  });

  test('XDG_CACHE_HOME moves both caches, HF_HUB_CACHE one', () => {
    const files = nodeFiles({ XDG_CACHE_HOME: '/x', HF_HOME: '' });
    expect(files?.cacheFile('a/b', 'main')).toBe('/x/rxtinker/tokenizers/a--b/main/tokenizer.json');
    expect(files?.hubDirectory('a/b')).toBe('/x/huggingface/hub/models--a--b');
    expect(nodeFiles({ HF_HUB_CACHE: '/y', HF_HOME: '/z' })?.hubDirectory('a/b')).toBe('/y/models--a--b');
  });

  test.each([
    ['text', file],
    ['bytes', new TextEncoder().encode(file)],
  ])('the server comes first, as %s', async (_, content) => {
    const tokenizer = await loadNow('some/model', { fromServer: of(content), endpoint: 'http://127.0.0.1:1' });
    expect(tokenizer.vocabularySize).toBe(1024);
    expect(await readdir(home)).toEqual([]);
  });

  test('a server that ships none, or fails, leaves it to the hub', async () => {
    await using hub = await serving();
    for (const fromServer of [EMPTY, throwError(() => new TinkerError('not_found', 'No such model.'))]) {
      const tokenizer = await loadNow('some/model', { fromServer, endpoint: hub.endpoint });
      expect(tokenizer.vocabularySize).toBe(1024);
    }
    const wrong = throwError(() => new TinkerError('not_found', 'No such model.'));
    const error = await failure(loadFresh('other/model', { fromServer: wrong, endpoint: 'http://127.0.0.1:1' }));
    expect(error.message).toContain('- the server: No such model.');
  });

  test('without a disk only the server and the hub are asked', async () => {
    await using hub = await serving();
    const fetcher = fetch;
    vi.stubGlobal('process', undefined);
    const options = { fetch: fetcher, endpoint: hub.endpoint, cache: new Map() };
    const tokenizer = await firstValueFrom(loadTokenizer('some/model', options));
    const error = await failure(loadTokenizer('./some/model', options));
    vi.unstubAllGlobals();
    expect(tokenizer.vocabularySize).toBe(1024);
    expect(error.message).toContain('./some/model (there is no disk here)');
    expect(await readdir(home)).toEqual([]);
  });

  test('@xenova/transformers is loaded from the same places', async () => {
    await using hub = await serving();
    const options = { environment, endpoint: hub.endpoint, cache: new Map() };
    const a = await firstValueFrom(xenovaTokenizer('some/model', options));
    const b = await firstValueFrom(loadTokenizer('some/model', options));
    expect(a).not.toBe(b);
    expect(a.encode('Alice')).toEqual(b.encode('Alice'));
    expect(hub.requests.length).toBe(1);
  });
});

test.each([
  ['', {}],
  [undefined, {}],
  ['a b', {}],
  ['a/../b', {}],
  ['https://example.org/x', {}],
  ['a/b', { revision: '../x' }],
  ['a/b', { revision: '' }],
])('refuses the id %j with %j at the call', (id, options) => {
  expect(() => loadFresh(id as string, options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});
