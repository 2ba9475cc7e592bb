import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { tarFile } from '../../../src/local/server/tarFile.js';
import { forwardBackward, testServer, type TestServer } from './support/testServer.js';

/** Fetches what a URL of the server leads to, without a key. */
async function download({ server }: TestServer, url: string): Promise<{ status: number; body: Uint8Array }> {
  const { pathname } = new URL(url, 'http://here');
  return lastValueFrom(server.handle({ method: 'GET', path: pathname, headers: {} }));
}

/** Exports a model's weights; gives the path below `training_runs/`. */
async function exported(server: TestServer, model: string, extra: object = {}): Promise<string> {
  const saved = await server.result(
    await server.post('save_weights_external', { model_id: model, seq_id: 1, path: 'out', ...extra }),
  );
  expect(saved).toMatchObject({ path: `tinker://${model}/external_weights/out`, size_bytes: 512 });
  return `training_runs/${model}/checkpoints/external_weights/out`;
}

describe('exports', () => {
  it('hands out the files of an export by URLs that need no key and expire', async () => {
    const server = await testServer();
    const { model } = await server.model();
    const path = await exported(server, model);
    const { body } = await server.call('GET', `${path}/external_weights_urls`);
    const urls = body.urls as Record<string, string>;
    expect(Object.keys(urls)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const config = await download(server, urls['adapter_config.json'] ?? '');
    expect(JSON.parse(new TextDecoder().decode(config.body))).toMatchObject({
      peft_type: 'LORA',
      base_model_name_or_path: 'test/bigram',
      r: 4,
      lora_alpha: 32,
    });
    const weights = urls['adapter_model.safetensors'] ?? '';
    expect((await download(server, weights)).body).toHaveLength(512);
    expect((await download(server, `${weights}x`)).status).toBe(404);
    await server.clock.advance(3_600_000);
    expect((await download(server, weights)).status).toBe(404);
    expect((await server.call('GET', 'checkpoints')).body.checkpoints).toMatchObject([{ checkpoint_type: 'external' }]);
    expect((await server.call('DELETE', path)).status).toBe(200);
    expect((await server.call('GET', `${path}/external_weights_urls`)).status).toBe(404);
  });

  it('needs a key for the URLs, not for what they lead to', async () => {
    const server = await testServer({ apiKey: 'secret' });
    expect(
      (await server.call('GET', 'training_runs/a/checkpoints/external_weights/b/external_weights_urls')).status,
    ).toBe(401);
    expect((await download(server, '/api/v1/downloads/guess/adapter_config.json')).status).toBe(404);
  });

  it('refuses to encrypt, and URLs of other kinds', async () => {
    const server = await testServer();
    const { model } = await server.model();
    const body = { model_id: model, seq_id: 1, path: 'x', age_encryption_recipients: ['age1x'] };
    expect((await server.post('save_weights_external', body)).body.detail).toContain('does not encrypt');
    await exported(server, model);
    const saved = await server.result(await server.post('save_weights', { model_id: model, seq_id: 2, path: 's' }));
    expect(saved).toHaveProperty('path');
    const urls = await server.call('GET', `training_runs/${model}/checkpoints/weights/s/external_weights_urls`);
    expect(urls.status).toBe(400);
  });

  it('redirects to an archive that tar unpacks', async () => {
    const server = await testServer();
    const { model } = await server.model();
    await server.result(await server.post('save_weights', { model_id: model, seq_id: 1, path: 's' }));
    const answer = await server.call('GET', `training_runs/${model}/checkpoints/weights/s/archive`);
    expect(answer.status).toBe(302);
    expect(Date.parse(answer.headers.expires ?? '')).toBeGreaterThan(server.clock.now());
    const { body } = await download(server, answer.headers.location ?? '');
    const directory = await mkdtemp(join(tmpdir(), 'rxtinker-archive-'));
    try {
      await writeFile(join(directory, 'a.tar'), body);
      const { stdout } = await promisify(execFile)('tar', ['-xvf', 'a.tar'], { cwd: directory });
      expect(stdout.trim().split('\n')).toEqual([
        'adapter_config.json',
        'adapter_model.safetensors',
        'checkpoint_complete',
      ]);
      expect(await readFile(join(directory, 'adapter_model.safetensors'))).toHaveLength(512);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('copies a checkpoint, optimizer and all, to a run that lives on', async () => {
    const server = await testServer();
    const { session, model } = await server.model();
    await server.post('forward_backward', forwardBackward(model, 1));
    await server.post('optim_step', { model_id: model, seq_id: 2 });
    const saved = await server.result(await server.post('save_weights', { model_id: model, seq_id: 3, path: 's' }));
    const { body } = await server.post('copy_weights', { source_path: saved.path, ttl_seconds: 3600 });
    const copy = String(body.tinker_path);
    expect(copy).toMatch(/^tinker:\/\/copy-[^/]+\/weights\/s$/);
    await server.call('DELETE', `training_runs/${model}/checkpoints/weights/s`);
    const loaded = await server.post('load_weights', {
      session_id: session,
      model_seq_id: 1,
      path: copy,
      optimizer: true,
    });
    expect(await server.result(loaded)).toMatchObject({ path: copy });
    expect(server.engine.models.get(`${session}:train:1`)?.steps).toBe(1);
    expect((await server.post('copy_weights', { source_path: copy, session_id: 's' })).status).toBe(422);
    expect((await server.post('copy_weights', { source_path: String(saved.path) })).status).toBe(404);
  });
});

describe('tarFile', () => {
  it('fills blocks of 512 bytes and ends with two empty ones', () => {
    const archive = tarFile({ empty: new Uint8Array(), one: Uint8Array.of(7), whole: new Uint8Array(512).fill(1) }, 0);
    expect(archive).toHaveLength(512 * (1 + 2 + 2 + 2));
    expect(archive[512 * 2]).toBe(7);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
  });
});
