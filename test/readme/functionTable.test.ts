import { runInThisContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { isObservable, lastValueFrom, take } from 'rxjs';
import { ModelInput, SamplingClient, ServiceClient, TensorData, TrainingClient, undiciTransport } from 'rxtinker';
import { usingTrainingClient } from 'rxtinker';
import { type LocalServer, startLocalServer } from 'rxtinker/local';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionTable } from './functionTable.js';

/** The requests of these kinds that a line must make, in order, and what must come of it. */
interface Expected {
  readonly sends: readonly string[];
  readonly check: (result: unknown, training: TrainingClient) => unknown;
}

const pass = (length: number) => (result: unknown) =>
  expect(result).toMatchObject({
    lossFnOutputs: [{ logprobs: { length } }],
    metrics: { 'loss:sum': expect.any(Number) as number },
  });
const isSampling = (result: unknown) => expect(result).toBeInstanceOf(SamplingClient);
const isTraining = (result: unknown) => expect(result).toBeInstanceOf(TrainingClient);
const isInfo = (result: unknown) => expect(result).toMatchObject({ modelData: { modelName: 'rxtinker/tiny' } });

/** Every function that the documentation of the training API names. */
const expectations: Readonly<Record<string, Expected>> = {
  'ServiceClient.start_link': {
    sends: [],
    check: async (result) => {
      expect(result).toBeInstanceOf(ServiceClient);
      await (result as ServiceClient).close();
    },
  },
  start_link: { sends: ['create_model'], check: isTraining },
  create_lora_training_client: { sends: ['create_model'], check: isTraining },
  child_spec: { sends: ['create_model', 'get_info', 'get_info', 'unload_model'], check: isInfo },
  'ModelInput.from_text': { sends: [], check: (result) => expect(result).toBeInstanceOf(ModelInput) },
  encode: {
    sends: [],
    check: async (result, training) => expect(await training.decode(result as number[]).result()).toBe('Hello world'),
  },
  decode: { sends: [], check: (result) => expect(result).toHaveLength(3) },
  get_tokenizer: { sends: [], check: (result) => expect(result).toMatchObject({ vocabularySize: 1024 }) },
  get_info: { sends: ['get_info'], check: isInfo },
  forward: { sends: ['forward_backward'], check: pass(4) },
  forward_backward: { sends: ['forward_backward'], check: pass(4) },
  forward_backward_custom: { sends: ['create_custom_loss', 'forward_backward'], check: pass(4) },
  optim_step: {
    sends: ['optim_step'],
    check: (result) => expect(result).toMatchObject({ metrics: { 'learning_rate:mean': 1e-4 } }),
  },
  save_state: {
    sends: ['save_weights'],
    check: (result, { modelId }) => expect(result).toEqual({ path: `tinker://${modelId}/weights/step-20` }),
  },
  load_state: {
    sends: ['load_weights'],
    check: (result) => expect(result).toEqual({ path: expect.stringMatching(/^tinker:/) as string }),
  },
  load_state_with_optimizer: {
    sends: ['load_weights'],
    check: (result) => expect(result).toEqual({ path: expect.stringMatching(/^tinker:/) as string }),
  },
  save_weights_for_sampler: {
    sends: ['save_weights_for_sampler'],
    check: (result, { modelId }) =>
      expect(result).toEqual({ kind: 'path', path: `tinker://${modelId}/sampler_weights/final` }),
  },
  save_weights_and_get_sampling_client: { sends: ['save_weights_for_sampler'], check: isSampling },
  save_weights_and_get_sampling_client_sync: { sends: ['save_weights_for_sampler'], check: isSampling },
  create_sampling_client_async: { sends: ['create_sampling_session'], check: isSampling },
  get_telemetry: {
    sends: ['telemetry'],
    check: (_, { telemetry }) => lastValueFrom(telemetry.flush(), { defaultValue: undefined }),
  },
  unload_model: {
    sends: ['unload_model'],
    check: (result, { modelId }) => expect(result).toMatchObject({ modelId }),
  },
  'TensorData.to_nx': {
    sends: [],
    check: (result) => expect((result as tf.Tensor).arraySync()).toEqual([0.5, 1]),
  },
  'Task.await': { sends: ['get_info'], check: isInfo },
  QueueStateObserver: { sends: [], check: (result) => expect(result).toEqual({ state: 'active' }) },
};

const rows = functionTable();

test('the table has each function once', () => {
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(expectations).sort());
});

describe('a line of use', () => {
  let server: LocalServer;
  let service: ServiceClient;
  const sent: string[] = [];

  beforeAll(async () => {
    server = await startLocalServer();
    const http = undiciTransport({ baseUrl: server.url });
    service = new ServiceClient({
      baseUrl: server.url,
      telemetry: true,
      transport: {
        send: (request) => {
          sent.push(request.path.replace(/^\/api\/v1\//, ''));
          return http.send(request);
        },
        close: () => http.close(),
      },
    });
  });

  afterAll(async () => {
    await service.close();
    await server.close();
  });

  test.each(rows)('of $name: $line', async ({ name, method, line }) => {
    const training = await service.createLoraTrainingClient({ baseModel: 'rxtinker/tiny', rank: 4 }).result();
    const { path } = await training.saveState('start').result();
    const scope = {
      ...{ ServiceClient, ModelInput, TensorData, usingTrainingClient, take, tf },
      ...{ service, training, path, data: [{ modelInput: ModelInput.fromTokens([1, 2, 3, 4, 5]) }] },
    };
    sent.length = 0;
    const use = runInThisContext(`(async ({ ${Object.keys(scope).join(', ')} }) => (${line}))`) as (
      names: typeof scope,
    ) => Promise<unknown>;
    const value = await use(scope);
    const result = isObservable(value) ? await lastValueFrom(value) : value;
    const { sends, check } = expectations[name] ?? { sends: [name], check: () => expect.unreachable(name) };
    await check(result, training);
    expect(line).toContain(method);
    expect(sent.filter((path) => sends.includes(path))).toEqual(sends);
    await training.unloadModel().result();
  });
});
