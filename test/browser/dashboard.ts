import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { Subject, lastValueFrom, merge } from 'rxjs';
import { ServiceClient } from '../../src/clients/service.js';
import { type DashboardEvent, fileSource, serveDashboard } from '../../src/dashboard/index.js';
import { startLocalServer } from '../../src/local/index.js';
import { ModelInput } from '../../src/wire/index.js';

/** Keeps a picture of the page where `RXTINKER_SCREENSHOTS` names a folder. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.RXTINKER_SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(400);
    await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`) });
  }
}

/** A page that must not complain, nor ask anybody else for anything. */
async function openPage(browser: Browser, url: string, complaints: string[]): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A server that is gone is told by the browser too.
    if (message.type() === 'error' && !message.text().includes('net::ERR')) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

const see = (page: Page, text: string): Promise<unknown> => page.getByText(text).first().waitFor({ timeout: 20_000 });

/** A run of the embedded server, shown as it trains. */
export async function followsServer(browser: Browser): Promise<void> {
  const complaints: string[] = [];
  const events$ = new Subject<DashboardEvent>();
  const server = await startLocalServer({ threads: 1, tell: (event) => events$.next(event) });
  await using dashboard = await serveDashboard({ sources: [{ events$ }], hint: 'Point a client at it.' });
  const page = await openPage(browser, dashboard.url, complaints);
  await see(page, 'Nothing to show yet');
  await see(page, 'Point a client at it.');
  await picture(page, 'empty');
  await using service = new ServiceClient({ baseUrl: server.url });
  const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 8, seed: 1 }).result();
  const lines = ['Twinkle, twinkle, little star,', 'How I wonder what you are!', 'Up above the world so high,'];
  const inputs = await Promise.all(lines.map((line) => lastValueFrom(ModelInput.fromText(line, { training }))));
  const data = inputs.map((modelInput) => ({ modelInput, lossFnInputs: {} }));
  const prompt = await lastValueFrom(ModelInput.fromText('Twinkle,', { training }));
  for (let step = 0; step < 60; step++) {
    const calls = [training.forwardBackward(data, 'cross_entropy'), training.optimStep({ learningRate: 5e-3 })];
    if (step === 45) void picture(page, 'live');
    await lastValueFrom(merge(...calls));
    if (step % 20 !== 0) continue;
    await training.saveState(`step-${step}`).result();
    const sampling = await training.saveWeightsAndGetSamplingClient().result();
    await sampling
      .sample({ prompt, numSamples: 1, samplingParams: { maxTokens: 24, seed: 1, temperature: 0 } })
      .result();
  }
  await see(page, 'loss:sum');
  await page.locator('#runs').getByText('rxtinker/tiny, rank 8').waitFor();
  for (const operation of ['forward_backward', 'optim_step']) await see(page, operation);
  await see(page, 'step-40');
  await page.locator('#checkpoints td:text-is("state")').first().waitFor();
  await page.locator('.sample blockquote').first().waitFor();
  await page.locator('#runs tbody .number:text-is("59")').first().waitFor({ timeout: 20_000 });
  await picture(page, 'rest');
  await training.unloadModel().result();
  await page.locator('#runs').getByText('ended').waitFor();
  assert.deepEqual(complaints, []);
  await page.close();
  await service.close();
  await server.close();
}

/** 100,000 steps of two runs in files: drawn, zoomed by the keyboard, compared; then the file and the server go. */
export async function followsLongFiles(browser: Browser): Promise<void> {
  const complaints: string[] = [];
  const folder = await mkdtemp(path.join(tmpdir(), 'rxtinker-'));
  const file = path.join(folder, 'first', 'metrics.jsonl');
  await mkdir(path.dirname(file));
  await mkdir(path.join(folder, 'second'));
  await writeFile(file, longRun(100_000, 1));
  await writeFile(path.join(folder, 'second/metrics.jsonl'), longRun(60_000, 1.2));
  const dashboard = await serveDashboard({
    sources: ['first', 'second'].map((run) => fileSource(path.join(folder, run), { intervalMs: 100 })),
  });
  const started = performance.now();
  const page = await openPage(browser, dashboard.url, complaints);
  const seeStep = (text: string): Promise<void> =>
    page.locator(`#runs tbody tr:first-child .number:text-is("${text}")`).first().waitFor({ timeout: 30_000 });
  await seeStep('99,999');
  const shown = performance.now() - started;
  const chart = page.locator('.chart.main');
  await chart.locator('canvas').waitFor();
  await appendFile(file, '{"step": 100000, "loss": 0.25, "grad_norm": 1}\n');
  await seeStep('100,000');
  // Frames that follow each other while every slider position is drawn.
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const slider = document.querySelector('[name=smoothing]');
    const times = [];
    const next = (time) => {
      times.push(time);
      slider.value = times.length / 40;
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      if (times.length < 30) requestAnimationFrame(next);
      else resolve(times);
    };
    requestAnimationFrame(next);
  })`);
  const frame = (Number(frames.at(-1)) - Number(frames[0])) / (frames.length - 1);
  console.log(
    `      160,000 steps: shown after ${Math.round(shown)} ms, redrawn smoothed anew in ${Math.round(frame)} ms`,
  );
  await chart.focus();
  await page.keyboard.press('ArrowRight');
  assert.match((await chart.getAttribute('aria-label')) ?? '', /^loss at step \d+: first [\d.]+, second /);
  await page.keyboard.press('+');
  assert.equal(await page.locator('#reset').isEnabled(), true);
  await page.keyboard.press('0');
  assert.equal(await page.locator('#reset').isDisabled(), true);
  await page.locator('#runs input').nth(1).uncheck();
  await page.locator('.chart.main:not([aria-label*="second"])').waitFor();
  await page.locator('#runs input').nth(1).check();
  await picture(page, 'compared');
  await rm(file);
  await see(page, 'is gone. What is shown is what was read before');
  await dashboard.close();
  await see(page, 'The dashboard’s server does not answer.');
  await picture(page, 'error');
  assert.deepEqual(complaints, []);
  await page.close();
  await rm(folder, { recursive: true });
}

function longRun(steps: number, scale: number): string {
  let noise = 1;
  const lines = Array.from({ length: steps }, (_, step) => {
    noise = (noise * 48_271) % 2_147_483_647;
    const random = noise / 2_147_483_647 - 0.5;
    const loss = scale * (0.4 + 3 * Math.exp(-step / 15_000) + 0.5 * random);
    return JSON.stringify({ step, loss, grad_norm: 1 + random });
  });
  return `${lines.join('\n')}\n`;
}
