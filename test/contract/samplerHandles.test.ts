import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Datum, ModelInput, type ServiceClient, type TrainingClient } from '../../src/index.js';
import { expectClose } from './support/closeTo.js';
import { texts, tokens } from './support/data.js';
import { failureOf } from './support/failureOf.js';
import { type Target, openTarget } from './support/target.js';
import type { WireLog } from './support/wireLog.js';

const prompt = ModelInput.fromTokens(tokens(6, 3));
let target: Target;
let service: ServiceClient;
let wire: WireLog;

beforeAll(async () => {
  target = await openTarget();
  ({ service, wire } = target.connect());
});
afterAll(() => target.close());

describe('a sampler’s handle', () => {
  it('makes other clients of the same sampler, without a session of their own', async () => {
    const sampling = await service.createSamplingClient({ baseModel: target.baseModel }).result();
    const wanted = await sampling.computeLogprobs(prompt).result();
    const handle = await sampling.getSamplerHandle().result();
    expect(handle).toMatch(/^[\w=-]+$/);
    const other = target.connect({ heartbeatIntervalMs: 20 });
    const clones = await Promise.all([1, 2].map(() => other.service.joinSampler(handle).result()));
    for (const clone of clones) {
      expect(clone.samplingSessionId).toBe(sampling.samplingSessionId);
      expectClose((await clone.computeLogprobs(prompt).result()).slice(1), wanted.slice(1), target.tolerance);
      expect(await clone.getSamplerHandle().result()).toBe(handle);
    }
    await expect.poll(() => other.wire.answeredHeartbeats).toContain(200);
    expect(other.wire.paths).not.toContain('create_session');
    // Each client of the sampler counts in a block of its own.
    const blocks = other.wire.operations.map(({ seqId }) => Math.floor(seqId / 1e9));
    expect(new Set(blocks).size).toBe(2);
    expect(blocks).not.toContain(0);
  });

  it('never holds the key', async () => {
    const { service: secret } = target.connect({ apiKey: process.env.TINKER_API_KEY ?? 'tml-very-secret' });
    const sampling = await secret.createSamplingClient({ baseModel: target.baseModel }).result();
    const json = atob((await sampling.getSamplerHandle().result()).replaceAll('-', '+').replaceAll('_', '/'));
    expect(json).not.toContain(process.env.TINKER_API_KEY ?? 'tml-very-secret');
    expect(JSON.parse(json)).toMatchObject({ base_model: target.baseModel, holder: { api_key: null } });
  });

  it('is refused at the call where it is none, or of another server', async () => {
    const elsewhere = btoa(
      JSON.stringify({
        session_id: 's',
        sampling_session_id: 'x',
        base_model: 'm',
        holder: { base_url: 'http://elsewhere.invalid/' },
      }),
    );
    expect(() => service.joinSampler('no handle')).toThrow(/a handle from getSamplerHandle, got "9 other characters"/);
    expect((await failureOf(() => service.joinSampler(elsewhere))).message).toMatch(
      /one on http:\/\/elsewhere.invalid/,
    );
  });
});

describe('weights for sampling that have no name', () => {
  const data: Datum[] = texts(2, 12, 4);
  const train = async (training: TrainingClient): Promise<void> => {
    await training.forwardBackward(data, 'cross_entropy').result();
    await training.optimStep({ learningRate: 1e-2 }).result();
  };

  it('stay as they are as a snapshot, and move on with the next save as inflight ones', async () => {
    const training = await service.createLoraTrainingClient({ baseModel: target.baseModel, rank: 4, seed: 1 }).result();
    const open = (kind: 'snapshot' | 'inflight') => training.saveWeightsAndGetSamplingClient({ kind }).result();
    const [snapshot, inflight] = [await open('snapshot'), await open('inflight')];
    const logprobs = async (): Promise<number[][]> =>
      Promise.all(
        [snapshot, inflight].map(async (client) => Array.from(await client.computeLogprobs(prompt).result()).slice(1)),
      );
    const [before = []] = await logprobs();
    await train(training);
    const newest = await open('inflight');
    const after = Array.from(await newest.computeLogprobs(prompt).result()).slice(1);
    expect(after.some((value, index) => Math.abs(value - (before[index] ?? 0)) > 10 * target.tolerance)).toBe(true);
    // The server moves the earlier ones on in its own time.
    await expect
      .poll(async () => (await logprobs())[1]?.every((value, index) => Math.abs(value - (after[index] ?? 0)) < 1e-2))
      .toBe(true);
    expectClose((await logprobs())[0] ?? [], before, target.tolerance);
    const saves = wire.operations.filter(({ operation }) => operation === 'save_weights_for_sampler');
    expect(saves.map(({ body }) => body.kind)).toEqual(['snapshot', 'inflight', 'inflight']);
    expect(() => training.saveWeightsForSampler({ path: 'named', kind: 'inflight' })).toThrow(/without a path/);
  });
});
