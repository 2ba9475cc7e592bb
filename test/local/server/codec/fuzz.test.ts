import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { encodeForwardBackward } from '../../../../src/wire/codec.js';
import { ModelInput } from '../../../../src/wire/modelInput.js';
import { loadZstd } from '../../../../src/wire/proto/loadZstd.js';
import { TensorData } from '../../../../src/wire/tensorData.js';
import { seededRandom } from '../../../../operators/seededRandom.js';
import { testServer } from '../support/testServer.js';
import { mutate } from './mutate.js';

const runs = Number(process.env.RXTINKER_FUZZ_RUNS ?? 3000);

describe('mutated passes', () => {
  it.each(['json', 'protobuf', 'zstd'] as const)(
    'of %s are answered 4xx with a message, or are still right',
    async (kind) => {
      const { server, lines, model: create } = await testServer({ limits: { bodyBytes: 1_000_000, pollHoldMs: 1 } });
      const { model } = await create();
      const { compress } = await loadZstd();
      const random = seededRandom(7);
      const matrix = new TensorData(Float32Array.of(1, 2, 3), [3, 4], {
        crowIndices: Int32Array.of(0, 1, 1, 3),
        colIndices: Int32Array.of(3, 0, 2),
      });
      const pass = {
        modelId: model,
        data: [
          {
            modelInput: ModelInput.fromTokens([1, 2, 3]),
            lossFnInputs: { target_tokens: new TensorData(Int32Array.of(2, 3, 4)), advantages: matrix },
          },
          {
            modelInput: ModelInput.fromTokens([4, 5]),
            lossFnInputs: { target_tokens: new TensorData(Int32Array.of(5, 6)) },
          },
        ],
        loss: 'cross_entropy',
        lossConfig: { clip_low_threshold: 0.5 },
        forwardOnly: false,
      } as const;
      const statuses = new Map<number, number>();
      for (let run = 0; run < runs; run++) {
        const { path, contentType, body } = encodeForwardBackward(
          { ...pass, seqId: run + 1 },
          kind === 'json' ? 'json' : 'protobuf',
        );
        const plain = typeof body === 'string' ? new TextEncoder().encode(body) : body;
        const mutated = mutate(kind === 'zstd' ? compress(plain) : plain, random);
        const headers = { 'content-type': contentType, ...(kind === 'zstd' && { 'content-encoding': 'zstd' }) };
        const answer = await lastValueFrom(server.handle({ method: 'POST', path, headers, body: mutated }));
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 200) continue;
        const { detail } = JSON.parse(new TextDecoder().decode(answer.body)) as { detail: string };
        expect(`${answer.status} ${detail}`).toMatch(/^4\d\d ./);
      }
      expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
      // Most mutations break a body, and it is told in several ways.
      expect(statuses.get(400)).toBeGreaterThan(runs / 20);
      expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    },
  );

  it('leave a server that still trains', async () => {
    const { server, model: create, result } = await testServer();
    const { model } = await create();
    const { compress } = await loadZstd();
    const random = seededRandom(9);
    for (let run = 0; run < 300; run++) {
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'zstd' };
      const body = mutate(compress(Uint8Array.from({ length: 50 }, (_, i) => i)), random);
      await lastValueFrom(server.handle({ method: 'POST', path: '/api/v1/forward_backward', headers, body }));
    }
    const { path, contentType, body } = encodeForwardBackward(
      {
        modelId: model,
        seqId: 1,
        data: [
          {
            modelInput: ModelInput.fromTokens([1, 2]),
            lossFnInputs: { target_tokens: new TensorData(Int32Array.of(2, 3)) },
          },
        ],
        loss: 'cross_entropy',
        lossConfig: {},
        forwardOnly: false,
      },
      'protobuf',
    );
    const answer = await lastValueFrom(
      server.handle({
        method: 'POST',
        path,
        headers: { 'content-type': contentType, 'content-encoding': 'zstd' },
        body: compress(body as Uint8Array),
      }),
    );
    const promise = JSON.parse(new TextDecoder().decode(answer.body)) as Record<string, unknown>;
    const output = await result({ status: answer.status, headers: answer.headers, body: promise });
    expect(output.metrics).toMatchObject({ 'loss:sum': expect.closeTo(2 * Math.log(8), 5) as number });
  });
});
