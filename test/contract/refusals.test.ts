import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timer, firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Datum,
  type LossName,
  ModelInput,
  ServiceClient,
  type TrainingClient,
  batchLoss,
  gradientLoss,
  silentLogger,
  undiciTransport,
} from '../../src/index.js';
import { type LocalServer, startLocalServer } from '../../src/local/index.js';
import { texts } from './support/data.js';
import { failureOf } from './support/failureOf.js';
import { startSmallServer } from './support/smallServer.js';
import { WireLog } from './support/wireLog.js';

let server: LocalServer;
let service: ServiceClient;
let wire: WireLog;
let training: TrainingClient;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rxtinker-refusals-'));
  server = await startLocalServer({ threads: 1 });
  wire = new WireLog(undiciTransport({ baseUrl: server.url }));
  service = new ServiceClient({ baseUrl: server.url, log: silentLogger, transport: wire });
  training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4, seed: 1 }).result();
});
afterAll(async () => {
  await service.close();
  await server.close();
  await rm(directory, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const datum = (lossFnInputs: Datum['lossFnInputs']): Datum[] => [
  { modelInput: ModelInput.fromTokens([1, 2, 3]), ...(lossFnInputs !== undefined && { lossFnInputs }) },
];

describe('what is wrong throws at the call, names what was expected and what came, and sends nothing', () => {
  it.each<[string, () => unknown, readonly string[]]>([
    ['no data', () => training.forwardBackward([], 'cross_entropy'), ['non-empty', 'empty array']],
    ['a negative token', () => ModelInput.fromTokens([1, -2]), ['integer', '-2']],
    ['a token that is no integer', () => ModelInput.fromTokens([1, 2.5]), ['integer', '2.5']],
    [
      'lengths that differ',
      () => training.forwardBackward(datum({ targetTokens: [1, 2], weights: [1, 1] }), 'cross_entropy'),
      ['target_tokens', '3', '2'],
    ],
    [
      'weights of another length',
      () => training.forwardBackward(datum({ targetTokens: [1, 2, 3], weights: [1, 1] }), 'cross_entropy'),
      ['weights', '[3]', '[2]'],
    ],
    [
      'NaN weights',
      () => training.forwardBackward(datum({ targetTokens: [1, 2, 3], weights: [1, NaN, 1] }), 'cross_entropy'),
      ['weights', 'NaN'],
    ],
    [
      'an unknown loss',
      () => training.forwardBackward(texts(1, 4), 'entropy' as LossName),
      ['cross_entropy', '"entropy"'],
    ],
    ['an input that is missing', () => training.forwardBackward(datum(undefined), 'ppo'), ['advantages', 'none']],
    [
      'a text of one token',
      () => training.forwardBackward([{ modelInput: ModelInput.fromTokens([1]) }], 'cross_entropy'),
      ['2 tokens', '1'],
    ],
    ['a learning rate that is negative', () => training.optimStep({ learningRate: -1 }), ['learningRate', '-1']],
    ['a checkpoint name that is a path', () => training.saveState('../x'), ['checkpoint name', '../x']],
    [
      'a custom loss of two arguments',
      () => training.forwardBackwardCustom(texts(1, 4), ((_: never, __: never) => 1) as never),
      ['one argument', '2'],
    ],
  ])('%s', async (_, call, parts) => {
    const sent = wire.paths.length;
    const { code, message } = await failureOf(call);
    expect(code).toBe('invalid_argument');
    for (const part of parts) expect(message).toContain(part);
    expect(wire.paths).toHaveLength(sent);
  });

  it('loses nothing: the model goes on with the next seq_id', async () => {
    const before = wire.operations.length;
    await training.forwardBackward(texts(1, 4), 'cross_entropy').result();
    expect(() => training.forwardBackward([], 'cross_entropy')).toThrow();
    await training.optimStep().result();
    const [pass, step] = wire.operations.slice(before);
    expect(step?.seqId).toBe((pass?.seqId ?? NaN) + 1);
  });

  it('a key that is missing or of the wrong form, for the hosted service', async () => {
    vi.stubEnv('TINKER_API_KEY', '');
    vi.stubEnv('TINKER_BASE_URL', '');
    const missing = await failureOf(() => new ServiceClient());
    expect(missing).toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('TINKER_API_KEY') as string,
    });
    const wrong = await failureOf(() => new ServiceClient({ apiKey: 'sk-secret' }));
    expect(wrong).toMatchObject({ code: 'invalid_config', message: expect.stringContaining('tml-') as string });
    expect(wrong.message).not.toContain('sk-secret');
  });

  it('a port in use and a data directory that can not be written', async () => {
    const { port } = new URL(server.url);
    const taken = await failureOf(() => startLocalServer({ port: Number(port) }));
    expect(taken).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(port) as string });
    const file = join(directory, 'file');
    await writeFile(file, '');
    const unwritable = await failureOf(() => startLocalServer({ dataDir: join(file, 'data') }));
    expect(unwritable).toMatchObject({ code: 'invalid_config', message: expect.stringContaining(file) as string });
  });
});

describe('images and audio', () => {
  it('reach the server, which says that its models read text only', async () => {
    const picture = new ModelInput([
      { type: 'encoded_text', tokens: Int32Array.of(1) },
      { type: 'image', data: Uint8Array.of(0x89, 0x50), format: 'png', expectedTokens: 2 },
    ]);
    const pointer = new ModelInput([{ type: 'image_asset_pointer', location: 'a', format: 'png' }]);
    const audio = new ModelInput([{ type: 'dmel', dmel: Uint8Array.of(1, 1, 3) }]);
    const sampling = await service.createSamplingClient({ baseModel: 'rxtinker/tiny' }).result();
    const lossFnInputs = { targetTokens: [1, 2, 3], weights: [1, 1, 1] };
    const attempts = [
      ...[picture, pointer, audio].map((prompt) => () => sampling.sample({ prompt }).result()),
      ...[picture, audio].map(
        (modelInput) => () => training.forwardBackward([{ modelInput, lossFnInputs }], 'cross_entropy').result(),
      ),
    ];
    for (const attempt of attempts) {
      const failure = await failureOf(attempt);
      expect(failure.code).toBe('bad_request');
      expect(failure.message).toMatch(/read text only/);
    }
    await training.optimStep().result();
  });
});

describe('a custom loss that is wrong', () => {
  it.each<[string, Parameters<TrainingClient['forwardBackwardCustom']>[1], RegExp]>([
    ['returns NaN', ({ logprobs }) => logprobs.sub(NaN).sum(), /NaN/],
    ['returns no scalar', ({ logprobs }) => logprobs, /scalar|shape/],
    [
      'throws',
      () => {
        throw new Error('out of ideas');
      },
      /out of ideas/,
    ],
    [
      'returns a gradient of the wrong shape',
      gradientLoss((_, logprobs) => ({ loss: 1, gradients: logprobs.map(() => [1]) })),
      /gradient of shape \[3\].*got 1 number/,
    ],
    ['leaves a datum out', batchLoss((_, [first]) => ({ loss: first?.sum() as never })), /data\[1\]/],
  ])('%s: fails with invalid_loss after the forward pass, and the model goes on', async (_, loss, message) => {
    const before = wire.operations.length;
    const failure = await failureOf(() => training.forwardBackwardCustom(texts(2, 4), loss).result());
    expect(failure.code).toBe('invalid_loss');
    expect(failure.message).toMatch(message);
    const [forward, ...more] = wire.operations.slice(before);
    expect(more).toEqual([]);
    await training.optimStep().result();
    expect(wire.operations.at(-1)?.seqId).toBe((forward?.seqId ?? NaN) + 1);
  });
});

describe('checkpoints', () => {
  it('that have expired are said to have, and when', async () => {
    const { path } = await training.saveState('short', { ttlSeconds: 1 }).result();
    await training.loadState(path).result();
    await firstValueFrom(timer(1100));
    for (const load of [
      () => training.loadState(path).result(),
      () => service.createTrainingClientFromState(path).result(),
    ]) {
      const failure = await failureOf(load);
      expect(failure.code).toBe('not_found');
      expect(failure.message).toMatch(/expired at \d{4}-/);
    }
  });

  it('of a name that is taken are refused unless overwritten', async () => {
    await training.saveState('twice').result();
    expect(await failureOf(() => training.saveState('twice').result())).toMatchObject({ code: 'checkpoint_exists' });
    await training.saveState('twice', { overwrite: true }).result();
  });

  it('of weights for sampling make no training client', async () => {
    const saved = await training.saveWeightsForSampler({ path: 'sampler' }).result();
    const path = saved.kind === 'path' ? saved.path : '';
    const failure = await failureOf(() => service.createTrainingClientFromState(path).result());
    expect(failure.code).toBe('bad_request');
    expect(failure.message).toMatch(/for sampling only/);
  });
});

describe('a server with two base models and no tokenizer', () => {
  let small: Awaited<ReturnType<typeof startSmallServer>>;
  let client: ServiceClient;

  beforeAll(async () => {
    small = await startSmallServer();
    client = new ServiceClient({ baseUrl: small.url, log: silentLogger });
  });
  afterAll(async () => {
    await client.close();
    await small.close();
  });

  it("refuses another base model's checkpoint", async () => {
    const [one, other] = await Promise.all(
      ['small/one', 'small/other'].map((baseModel) => client.createLoraTrainingClient({ baseModel, rank: 2 }).result()),
    );
    const { path } = (await one?.saveState('mine').result()) ?? { path: '' };
    const failure = await failureOf(() => other?.loadState(path).result());
    expect(failure.code).toBe('bad_request');
    expect(failure.message).toMatch(/small\/one.*small\/other/s);
    const copy = await client.createTrainingClientFromState(path).result();
    expect(copy.baseModel).toBe('small/one');
  });

  it('has no text: the error names the file that was wanted and where it was looked for', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    vi.stubEnv('XDG_CACHE_HOME', directory);
    vi.stubEnv('HF_HOME', directory);
    const model = await client.createLoraTrainingClient({ baseModel: 'small/one', rank: 2 }).result();
    const failure = await failureOf(() => model.encode('text').result());
    expect(failure.code).toBe('tokenizer_unavailable');
    for (const part of ['small/one', 'tokenizer.json', 'the server', directory, 'http://127.0.0.1:9', 'HF_ENDPOINT'])
      expect(failure.message).toContain(part);
  });
});

describe('text', () => {
  it('of tokens outside the vocabulary is an error that names the token', async () => {
    expect(await training.decode(await training.encode('once upon a time').result()).result()).toBe('once upon a time');
    const failure = await failureOf(() => training.decode([1, 1024]).result());
    expect(failure.code).toBe('invalid_argument');
    expect(failure.message).toMatch(/1024/);
  });
});
