import { rm } from 'node:fs/promises';
import { concat, firstValueFrom, of, toArray } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { tinyDirectory } from '../../src/local/models/index.js';
import { loadTokenizer } from '../../src/tokenizer/index.js';
import { hubServer } from './hubServer.js';
import { cached, environment, failure, file, loadFresh, loadNow, serving } from './loadFresh.js';

test('nothing is sent before the first subscription; subscribers share one load and its tokenizer', async () => {
  await using hub = await serving();
  const options = { endpoint: hub.endpoint, cache: new Map() };
  const [first, second] = [loadFresh('some/model', options), loadFresh('some/model', options)];
  expect(options.cache.size).toBe(0);
  const [a, b] = await Promise.all([firstValueFrom(first), firstValueFrom(second)]);
  await rm(cached('some/model'));
  const [c, d] = await firstValueFrom(concat(first, loadFresh('some/model', options)).pipe(toArray()));
  expect(new Set([a, b, c, d]).size).toBe(1);
  expect(hub.requests.length).toBe(1);
});

test('other revisions and hubs are other tokenizers', async () => {
  await using hub = await serving();
  await using other = await serving();
  const cache = new Map();
  const a = await loadNow('some/model', { endpoint: hub.endpoint, cache });
  const b = await loadNow('some/model', { endpoint: hub.endpoint, cache, revision: 'next' });
  const c = await loadNow('some/model', { endpoint: other.endpoint, cache });
  expect(new Set([a, b, c]).size).toBe(3);
});

test('a load that failed is forgotten', async () => {
  let status = 503;
  await using hub = await hubServer((response) => response.writeHead(status).end(file));
  const loading = loadFresh('some/model', { endpoint: hub.endpoint });
  expect((await failure(loading)).retryable).toBe(true);
  status = 200;
  expect((await firstValueFrom(loading)).vocabularySize).toBe(1024);
});

test('only the last unsubscribe aborts the request, and the next load starts anew', async () => {
  let slow = true;
  await using hub = await hubServer((response) => {
    if (!slow) response.end(file);
  });
  const loading = loadFresh('some/model', { endpoint: hub.endpoint });
  const first = loading.subscribe();
  const second = loading.subscribe();
  await vi.waitFor(() => expect(hub.requests.length).toBe(1));
  first.unsubscribe();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(hub.aborted()).toBe(0);
  second.unsubscribe();
  await vi.waitFor(() => expect(hub.aborted()).toBe(1));
  slow = false;
  expect((await firstValueFrom(loading)).vocabularySize).toBe(1024);
  expect(hub.requests.length).toBe(2);
});

test('the process shares what no server shipped', async () => {
  const a = await firstValueFrom(loadTokenizer(tinyDirectory, { environment }));
  expect(await firstValueFrom(loadTokenizer(tinyDirectory, { environment }))).toBe(a);
  const shipped = { environment, fromServer: of(file) };
  const b = await firstValueFrom(loadTokenizer('some/model', shipped));
  expect(await firstValueFrom(loadTokenizer('some/model', shipped))).not.toBe(b);
});
