import { request } from 'node:http';
import { Subject, lastValueFrom, merge } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { TinkerError } from '../../src/errors.js';
import { type Dashboard, type DashboardEvent, serveDashboard } from '../../src/dashboard/index.js';
import { RunHistories } from '../../src/dashboard/page/runHistories.js';
import { localService } from '../../src/local/index.js';
import { ModelInput } from '../../src/wire/index.js';

let dashboard: Dashboard | undefined;
afterEach(() => dashboard?.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function get(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

/** Reads the stream of events until what it tells holds something. */
async function readUntil(url: string, holds: (histories: RunHistories) => boolean): Promise<RunHistories> {
  const abort = new AbortController();
  const answer = await fetch(`${url}events`, { signal: abort.signal });
  const reader = (answer.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
  const histories = new RunHistories();
  let text = '';
  while (!holds(histories)) {
    const { value, done } = await reader.read();
    if (done) throw new Error('the stream ended');
    const messages = (text + value).split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1] ?? '[]';
      for (const event of JSON.parse(data) as DashboardEvent[]) histories.apply(event);
    }
  }
  abort.abort();
  return histories;
}

describe('serveDashboard', () => {
  it('serves the page and its files to this machine, with a policy that lets nothing else in', async () => {
    dashboard = await serveDashboard({ sources: [{ events$: new Subject() }], hint: 'Start a run.' });
    const page = await get(dashboard.url);
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers).not.toHaveProperty('access-control-allow-origin');
    const files = [...page.body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) expect(await get(dashboard.url + file)).toMatchObject({ status: 200 });
    expect((await get(`${dashboard.url}hint`)).body).toBe('Start a run.');
  });

  it('refuses other names of this machine, other pages, other methods and other files', async () => {
    dashboard = await serveDashboard({ sources: [{ events$: new Subject() }] });
    const { url } = dashboard;
    const status = async (...args: Parameters<typeof get>) => (await get(...args)).status;
    expect(await status(`${url}events`, { headers: { host: 'evil.example:80' } })).toBe(403);
    expect(await status(url, { headers: { host: 'localhost.evil.example' } })).toBe(403);
    expect(await status(`${url}events`, { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(await status(url, { method: 'POST' })).toBe(405);
    expect(await status(`${url}..%2f..%2fpackage.json`)).toBe(404);
    expect(await status(`${url}package.json`)).toBe(404);
    expect(await status(url.replace('127.0.0.1', 'localhost'), { headers: { host: 'localhost:1' } })).toBe(200);
  });

  it('tells a page that comes late what happened before, then what happens', async () => {
    const events = new Subject<DashboardEvent>();
    dashboard = await serveDashboard({ sources: [{ events$: events }] });
    for (let step = 0; step < 12_000; step++) {
      events.next({ type: 'metrics', run: 'a', step, time: 1e12 + step, metrics: { loss: 1 / (step + 1) } });
    }
    events.next({ type: 'sample', run: 'a', prompt: 'p', text: 't' });
    const past = await readUntil(dashboard.url, ({ runs }) => runs.get('a')?.samples.length === 1);
    expect(past.runs.get('a')?.columns.length).toBe(12_000);
    expect(past.runs.get('a')?.columns.values.get('loss')?.at(-1)).toBe(1 / 12_000);
    const live = readUntil(dashboard.url, ({ runs }) => runs.get('a')?.columns.length === 12_001);
    setTimeout(() => {
      events.next({ type: 'metrics', run: 'a', step: 12_000, metrics: { loss: 0 } });
    }, 50);
    expect((await live).runs.get('a')?.columns.values.get('loss')?.at(-1)).toBe(0);
  });

  it('shows a source that fails as a run that stalled', async () => {
    const events = new Subject<DashboardEvent>();
    dashboard = await serveDashboard({ sources: [{ events$: events }] });
    events.next({ type: 'run', run: 'a', state: 'live' });
    events.error(new Error('the disk is gone'));
    const { runs } = await readUntil(dashboard.url, (histories) => histories.runs.get('a')?.state === 'stalled');
    expect(runs.get('a')?.note).toBe("It can't be followed any more: the disk is gone");
  });

  it('follows the clients that a service makes: metrics, operations in order, the end', async () => {
    await using service = await localService();
    dashboard = await serveDashboard({ service });
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    const data = [{ modelInput: ModelInput.fromTokens([1, 2, 3, 4]), lossFnInputs: {} }];
    for (let step = 0; step < 2; step++) {
      await lastValueFrom(merge(training.forwardBackward(data, 'cross_entropy'), training.optimStep()));
    }
    await training.unloadModel().result();
    const { runs } = await readUntil(dashboard.url, (histories) => [...histories.runs.values()][0]?.state === 'ended');
    const run = runs.get(training.modelId);
    expect(run?.name).toBe('rxtinker/tiny');
    expect(run?.columns.steps).toEqual([0, 1]);
    expect(run?.columns.values.get('loss:sum')?.every((loss) => (loss ?? 0) > 0)).toBe(true);
    const operations = [...(run?.operations.values() ?? [])].map(({ operation, state }) => `${operation} ${state}`);
    expect(operations.slice(0, 4)).toEqual([
      ...['forward_backward done', 'optim_step done', 'forward_backward done', 'optim_step done'],
    ]);
    const times = run?.operations.get('2')?.times;
    expect(times?.computing).toBeGreaterThanOrEqual(times?.sent ?? Infinity);
    expect(times?.done).toBeGreaterThanOrEqual(times?.computing ?? Infinity);
  });

  it('says at the call that there is nothing to follow, and that a port is taken', async () => {
    await expect(serveDashboard({})).rejects.toMatchObject({ code: 'invalid_argument' });
    dashboard = await serveDashboard({ sources: [{ events$: new Subject() }] });
    const port = Number(new URL(dashboard.url).port);
    const taken = await serveDashboard({ sources: [{ events$: new Subject() }], port }).catch(
      (error: unknown) => error,
    );
    expect(taken).toBeInstanceOf(TinkerError);
    expect(String(taken)).toContain(`port ${port} is in use. Choose another`);
    const none = serveDashboard({ sources: [{ events$: new Subject() }], port: 65_536 });
    await expect(none).rejects.toMatchObject({ code: 'invalid_config' });
  });
});
