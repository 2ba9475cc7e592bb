import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { type LocalServer, type LocalServerOptions, startLocalServer } from '../../../src/local/index.js';

let server: LocalServer | undefined;
afterEach(() => server?.close());

const page = 'http://localhost:5173';

async function ask(options: LocalServerOptions, method: string, headers: Record<string, string>) {
  await server?.close();
  server = await startLocalServer({ runtime: 'plain', ...options });
  const { url } = server;
  return new Promise<{ status: number | undefined; headers: Record<string, unknown> }>((resolve, reject) => {
    request(`${url}/api/v1/healthz`, { method, headers }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, headers: answer.headers });
    })
      .on('error', reject)
      .end();
  });
}

const preflight = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'content-type,x-api-key',
};

it('lets no page in unless it is asked to', async () => {
  const { status, headers } = await ask({}, 'GET', { origin: page });
  expect(status).toBe(200);
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  expect((await ask({}, 'OPTIONS', { origin: page, ...preflight })).status).toBe(403);
});

it('lets the pages in that it is told of, and no others', async () => {
  const options = { allowedOrigins: [page] };
  expect(await ask(options, 'GET', { origin: page })).toMatchObject({
    status: 200,
    headers: { 'access-control-allow-origin': page, vary: 'origin' },
  });
  expect(await ask(options, 'OPTIONS', { origin: page, ...preflight })).toMatchObject({
    status: 204,
    headers: { 'access-control-allow-origin': page, 'access-control-allow-headers': 'content-type,x-api-key' },
  });
  for (const origin of ['http://localhost:5174', 'https://localhost:5173', 'null']) {
    const { headers } = await ask(options, 'GET', { origin });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect((await ask(options, 'OPTIONS', { origin, ...preflight })).status).toBe(403);
  }
});

it('lets a page read that its key is missing', async () => {
  const answer = await ask({ allowedOrigins: [page], apiKey: 'tml-1' }, 'GET', { origin: page });
  expect(answer).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': page } });
});

it('refuses what is no origin', async () => {
  await expect(
    startLocalServer({ runtime: 'plain', allowedOrigins: ['http://localhost:5173/'] }),
  ).rejects.toMatchObject({
    code: 'invalid_argument',
  });
});
