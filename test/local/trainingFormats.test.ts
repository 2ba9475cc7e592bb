import { defer, lastValueFrom, of } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceClient } from '../../src/clients/service.js';
import type { Engine } from '../../src/local/engine/engine.js';
import { createWorkerEngine } from '../../src/local/engine/workerEngine.js';
import { createServer } from '../../src/local/server/createServer.js';
import { silentLogger } from '../../src/log.js';
import { MarbleTransport } from '../../src/testing/index.js';
import { localTransport } from '../../src/transport/localTransport.js';
import type { Transport } from '../../src/transport/transport.js';
import { type Datum, ModelInput } from '../../src/wire/index.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createWorkerEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.close();
});

const bits = (values: ArrayBufferView | undefined): string =>
  values === undefined ? 'none' : Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');

const run = (length: number, seed: number): number[] => Array.from({ length }, (_, i) => (i * seed + 7) % 97);

const data: readonly Datum[] = [5, 12, 9].map((length, index) => ({
  modelInput: ModelInput.fromTokens(run(length, 3 + index)),
  lossFnInputs: {
    targetTokens: run(length, 11 + index),
    logprobs: run(length, 5).map((value) => -1 - value / 97),
    advantages: run(length, 13).map((value) => value / 48.5 - 1),
  },
}));

/** Trains a new model on a new server and samples from it: every number that comes back, bit by bit. */
async function train(options: { readonly protobuf: boolean; readonly compressed: boolean }) {
  const server = await createServer({ engine, limits: { compressedPasses: options.compressed } });
  const local = localTransport((request) => server.handle(request));
  const sent: string[] = [];
  const received: string[] = [];
  const transport: Transport = {
    close: () => local.close(),
    send: (request) =>
      defer(() => {
        const { 'content-type': type = '', 'content-encoding': encoding = 'plain' } = request.headers;
        if (request.path.includes('forward')) sent.push(`${type.replace('application/', '')} ${encoding}`);
        // A server of old reads and writes JSON alone.
        if (!options.protobuf && type.includes('protobuf'))
          return of(MarbleTransport.response(415, { detail: 'JSON' }));
        const headers = options.protobuf ? request.headers : { ...request.headers, accept: 'application/json' };
        return local.send({ ...request, headers });
      }),
  };
  const spied: Transport = {
    close: () => transport.close(),
    send: (request) =>
      defer(() => transport.send(request)).pipe((source) =>
        defer(async () => {
          const response = await lastValueFrom(source);
          if (request.path.endsWith('retrieve_future')) received.push(response.headers['content-type'] ?? '');
          return response;
        }),
      ),
  };
  const service = new ServiceClient({
    baseUrl: 'http://127.0.0.1',
    transport: spied,
    log: silentLogger,
    heartbeatIntervalMs: Infinity,
  });
  const baseModel = engine.baseModels[0]?.name ?? '';
  const training = await service.createLoraTrainingClient({ baseModel, rank: 8, seed: 3 }).result();
  const numbers: unknown[] = [];
  for (let step = 0; step < 3; step++) {
    const { lossFnOutputs, metrics } = await training
      .forwardBackward(data, 'ppo', { lossConfig: { clipLowThreshold: 0.9 } })
      .result();
    const { metrics: stepMetrics } = await training.optimStep({ learningRate: 1e-2 }).result();
    numbers.push(
      metrics,
      stepMetrics,
      ...lossFnOutputs.flatMap((datum) => Object.values(datum).map((t) => bits(t.data))),
    );
  }
  const { lossFnOutputs } = await training.forward(data, 'ppo').result();
  numbers.push(...lossFnOutputs.map(({ logprobs }) => bits(logprobs?.data)));
  const sampling = await training.saveWeightsAndGetSamplingClient().result();
  const prompt = ModelInput.fromTokens(run(6, 3));
  const samplingParams = { maxTokens: 8, seed: 1, temperature: 0.7 };
  const { sequences, promptLogprobs } = await sampling
    .sample({ prompt, numSamples: 2, samplingParams, includePromptLogprobs: true })
    .result();
  numbers.push(bits(promptLogprobs), ...sequences.map(({ tokens, logprobs }) => [bits(tokens), bits(logprobs)]));
  await service.close();
  await server.close();
  return { numbers, sent, received };
}

describe('a training run', () => {
  it('gives the same bits over protobuf, compressed protobuf and JSON', async () => {
    const plain = await train({ protobuf: true, compressed: false });
    const compressed = await train({ protobuf: true, compressed: true });
    const json = await train({ protobuf: false, compressed: false });
    expect(new Set(plain.sent)).toEqual(new Set(['x-protobuf plain']));
    expect(new Set(compressed.sent)).toEqual(new Set(['x-protobuf zstd']));
    expect(json.sent).toEqual(['x-protobuf plain', 'json plain', 'json plain', 'json plain', 'json plain']);
    expect(plain.received.filter((type) => type.includes('protobuf'))).toHaveLength(5);
    expect(json.received.filter((type) => type.includes('protobuf'))).toHaveLength(0);
    expect(plain.numbers.length).toBeGreaterThan(20);
    expect(compressed.numbers).toEqual(plain.numbers);
    expect(json.numbers).toEqual(plain.numbers);
  });
});
