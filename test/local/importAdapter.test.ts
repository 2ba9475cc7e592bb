import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelInput, type ServiceClient, type TrainingClient } from '../../src/index.js';
import { importAdapter, localService, startLocalServer } from '../../src/local/index.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../parity/fixtures/${name}`, import.meta.url));
const baseModels = { 'test/llama': fixture('llama') };
const data = [
  {
    modelInput: ModelInput.fromTokens([1, 5, 9, 2, 33, 7]),
    lossFnInputs: { target_tokens: [5, 9, 2, 33, 7, 4], weights: [1, 1, 1, 1, 1, 1] },
  },
];

let directory: string;
const inside = (...parts: string[]): string => path.join(directory, ...parts);

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'rxtinker-import-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function logprobs(training: TrainingClient): Promise<number[]> {
  const { lossFnOutputs } = await training.forward(data, 'cross_entropy').result();
  return [...(lossFnOutputs[0]?.logprobs?.data ?? [])].map(Number);
}

/** Exports a model's adapter and writes the files that the URLs lead to into a directory. */
async function exportTo(folder: string, service: ServiceClient, training: TrainingClient): Promise<void> {
  const { path: saved } = await training.saveWeightsExternal('out').result();
  const { urls } = await service.rest.getExternalWeightsUrls(saved).result();
  await mkdir(folder);
  for (const [name, url] of Object.entries(urls))
    await writeFile(path.join(folder, name), new Uint8Array(await (await fetch(url)).arrayBuffer()));
}

describe('importAdapter', () => {
  it('gives the logprobs of the adapter that was trained and exported here', async () => {
    const trained: number[] = [];
    {
      await using service = await localService({ baseModels, threads: 1 });
      const training = await service.createLoraTrainingClient({ baseModel: 'test/llama', rank: 3 }).result();
      for (let step = 0; step < 3; step++) {
        await training.forwardBackward(data, 'cross_entropy').result();
        await training.optimStep({ learningRate: 1e-2 }).result();
      }
      trained.push(...(await logprobs(training)));
      await exportTo(inside('my adapter'), service, training);
    }
    const dataDir = inside('data');
    const options = { directory: inside('my adapter'), baseModel: 'test/llama', baseModels, dataDir };
    const { path: imported } = await importAdapter(options);
    expect(imported).toMatch(/^tinker:\/\/import-\w+\/weights\/my-adapter$/);
    await using service = await localService({ dataDir, baseModels, threads: 1 });
    const training = await service.createTrainingClientFromState(imported).result();
    expect(await logprobs(training)).toEqual(trained);
    const sampling = await service.createSamplingClient({ modelPath: imported }).result();
    const scored = await sampling.computeLogprobs(ModelInput.fromTokens([1, 5, 9, 2, 33, 7, 4])).result();
    scored.slice(1).forEach((value, i) => expect(Math.abs(value - (trained[i] ?? NaN))).toBeLessThan(1e-4));
  });

  it('needs a base model that it knows, a name that a checkpoint can have, and the directory for itself', async () => {
    const adapter = fixture('llama/adapter');
    const options = { directory: adapter, baseModel: 'test/llama', baseModels, dataDir: inside('data') };
    await expect(importAdapter({ ...options, baseModel: 'test/other' })).rejects.toMatchObject({
      code: 'invalid_config',
      message:
        'Expected a base model of test/llama, rxtinker/tiny, got "test/other". Give its directory in baseModels (--base-model NAME=DIRECTORY on the command line), as to the server.',
    });
    await expect(importAdapter({ ...options, name: '../x' })).rejects.toThrow('Expected a checkpoint name');
    const server = await startLocalServer({ dataDir: options.dataDir });
    await expect(importAdapter(options)).rejects.toMatchObject({ code: 'invalid_config' });
    await server.close();
    expect(await importAdapter({ ...options, name: 'a' })).toHaveProperty('path');
  });

  it('makes it the checkpoint of a key, where the server has several', async () => {
    const dataDir = inside('data');
    const options = { directory: fixture('llama/adapter'), baseModel: 'test/llama', baseModels, dataDir };
    const { path: imported } = await importAdapter({ ...options, apiKey: 'tml-one' });
    const server = await startLocalServer({ dataDir, apiKeys: ['tml-one', 'tml-two'] });
    const seenBy = async (apiKey: string): Promise<unknown> =>
      (await fetch(`${server.url}/api/v1/checkpoints`, { headers: { 'x-api-key': apiKey } })).json();
    expect(JSON.stringify(await seenBy('tml-one'))).toContain(imported);
    expect(await seenBy('tml-two')).toMatchObject({ checkpoints: [] });
    await server.close();
  });

  it('leaves the adapter as it is', async () => {
    await cp(fixture('llama/adapter'), inside('adapter'), { recursive: true });
    const file = inside('adapter', 'adapter_model.safetensors');
    const before = await readFile(file);
    await importAdapter({ directory: inside('adapter'), baseModel: 'test/llama', baseModels, dataDir: inside('data') });
    expect(await readFile(file)).toEqual(before);
  });
});
