import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { decompressBody } from '../../../../src/local/server/codec/decompressBody.js';
import type { ServerRequest } from '../../../../src/local/server/serverRequest.js';
import { loadZstd } from '../../../../src/wire/proto/loadZstd.js';
import { forwardBackward, testServer } from '../support/testServer.js';

const request = (body: Uint8Array, encoding?: string): ServerRequest => ({
  method: 'POST',
  path: '/api/v1/forward_backward',
  headers: { 'content-type': 'application/json', ...(encoding !== undefined && { 'content-encoding': encoding }) },
  body,
});

describe('decompressBody', () => {
  it('gives a plain request on at once', () => {
    const plain = request(Uint8Array.of(1));
    const got: ServerRequest[] = [];
    decompressBody(plain, 10).subscribe((given) => got.push(given));
    expect(got[0]).toBe(plain);
  });

  it('unpacks a body and takes its encoding off', async () => {
    const { compress } = await loadZstd();
    const bytes = new Uint8Array(1000).fill(7);
    const unpacked = await lastValueFrom(decompressBody(request(compress(bytes), 'ZSTD'), 1000));
    expect(unpacked).toEqual(request(bytes));
  });

  it('refuses more than the limit, and what is no zstd', async () => {
    const { compress } = await loadZstd();
    const status = async (body: Uint8Array): Promise<unknown> => {
      const refused: unknown = await lastValueFrom(decompressBody(request(body, 'zstd'), 1000)).catch(
        (error: unknown) => error,
      );
      return (refused as { details?: { status?: number } }).details?.status;
    };
    expect(await status(compress(new Uint8Array(1001)))).toBe(413);
    expect(await status(Uint8Array.of(1, 2, 3))).toBe(400);
    expect(await status(new Uint8Array())).toBe(400);
  });

  it('lets a server take compressed JSON too, and refuse a bomb with a message', async () => {
    const { compress } = await loadZstd();
    const { server, model: create } = await testServer({ limits: { bodyBytes: 1_000_000 } });
    const { model } = await create();
    const body = new TextEncoder().encode(JSON.stringify(forwardBackward(model, 1)));
    const answer = await lastValueFrom(server.handle(request(compress(body), 'zstd')));
    expect(answer.status).toBe(200);
    const bomb = compress(new Uint8Array(20_000_000));
    expect(bomb.length).toBeLessThan(10_000);
    const refused = await lastValueFrom(server.handle(request(bomb, 'zstd')));
    expect(refused.status).toBe(413);
    expect(new TextDecoder().decode(refused.body)).toContain('Expected at most 1000000 bytes of content');
    const other = await lastValueFrom(server.handle(request(body, 'br')));
    expect(other.status).toBe(415);
  });
});
