import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { concatMap, from, lastValueFrom, map, toArray } from 'rxjs';
import { trainSteps } from '../../operators/index.js';
import { usingTrainingClient } from '../../src/clients/usingTrainingClient.js';
import { localService, startLocalServer } from '../../src/local/index.js';
import { ModelInput } from '../../src/wire/index.js';

/** Serves a page with one script on an origin of its own. */
async function servePage(script: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, reply) => {
    const isScript = request.url === '/page.js';
    reply.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    reply.end(
      isScript
        ? script
        : '<!doctype html><link rel="icon" href="data:," /><script type="module" src="page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const program = `
  import { ModelInput, ServiceClient } from 'rxtinker';
  globalThis.run = async (baseUrl) => {
    const service = new ServiceClient({ baseUrl, logLevel: 'silent' });
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3, 4]), lossFnInputs: {} }];
    const passes = await Promise.all([1, 2, 3].map(() => training.forwardBackward(data, 'cross_entropy').result()));
    await service.close();
    return passes.map(({ metrics }) => metrics['loss:sum']);
  };`;

/** The client in a page, bundled for browsers, against a server that lets its origin in, and one that does not. */
export async function clientInPage(browser: Browser): Promise<void> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: process.cwd() },
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2022', write: false, logLevel: 'error' },
  });
  const site = await servePage(outputFiles[0]?.text ?? '');
  const open = await startLocalServer({ threads: 1, allowedOrigins: [site.url] });
  const closed = await startLocalServer({ threads: 1 });
  const page = await browser.newPage();
  await page.goto(site.url);
  const losses = await page.evaluate<number[]>(`run(${JSON.stringify(open.url)})`);
  assert.equal(losses.length, 3);
  assert.ok(losses.every((loss) => loss > 0 && loss === losses[0]));
  // A browser gives no other reason than that it failed; the client tries for a while, so one request is asked.
  await assert.rejects(page.evaluate(`fetch(${JSON.stringify(`${closed.url}/api/v1/healthz`)})`), /Failed to fetch/);
  await page.close();
  await Promise.all([open.close(), closed.close()]);
  site.close();
}

interface Example {
  readonly serveExample: (port?: number) => Promise<{ readonly url: string; close(): void }>;
}

const lines = ['Twinkle, twinkle, little star,', 'How I wonder what you are!', 'Up above the world so high,'];

/** The example page trains in its tab; the same in Node gives the same losses. */
export async function trainsInTab(browser: Browser): Promise<void> {
  const steps = 12;
  const { serveExample } = (await import(
    new URL('../../../examples/browser/serve.mjs', import.meta.url).href
  )) as Example;
  const site = await serveExample();
  const page = await browser.newPage();
  await page.goto(site.url);
  const inTab = await page.evaluate<number[]>(`train(${steps})`);
  const runtime = (await page.textContent('#log'))?.split('\n')[0] ?? '';
  await page.close();
  site.close();
  await using service = await localService();
  const options = { baseModel: 'rxtinker/tiny', rank: 8, seed: 1 };
  const inNode = await lastValueFrom(
    usingTrainingClient(service, options, (training) =>
      from(lines).pipe(
        concatMap((line) => ModelInput.fromText(line, { training })),
        map((modelInput) => ({ modelInput, lossFnInputs: {} })),
        toArray(),
        concatMap((data) =>
          trainSteps(training, Array<typeof data>(steps).fill(data), {
            loss: 'cross_entropy',
            adam: { learningRate: 1e-2 },
          }),
        ),
        map(({ metrics }) => metrics['loss:sum'] ?? NaN),
        toArray(),
      ),
    ),
  );
  const apart = Math.max(
    ...inTab.map((loss, step) => Math.abs(loss - (inNode[step] ?? NaN)) / Math.max(1, Math.abs(loss))),
  );
  console.log(
    `      ${runtime} Losses ${inTab.map((loss) => loss.toFixed(4)).join(' ')}, at most ${apart.toExponential(1)} from Node's`,
  );
  assert.equal(inTab.length, steps);
  assert.ok(apart < 1e-3);
}
