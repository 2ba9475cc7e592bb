import { concatMap, defer, firstValueFrom, forkJoin, lastValueFrom, map, merge, mergeMap, range, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Datum,
  type ForwardBackwardOutput,
  ModelInput,
  type ServiceClient,
  type TrainingClient,
  crossEntropyLoss,
} from '../../src/index.js';
import { expectClose } from './support/closeTo.js';
import { texts } from './support/data.js';
import { failureOf } from './support/failureOf.js';
import { type Target, openTarget } from './support/target.js';
import type { WireLog } from './support/wireLog.js';

let target: Target;
let service: ServiceClient;
let wire: WireLog;

beforeAll(async () => {
  target = await openTarget();
});
afterAll(() => target.close());

async function openModel(seed = 1, rank = 4): Promise<TrainingClient> {
  ({ service, wire } = target.connect());
  return service.createLoraTrainingClient({ baseModel: target.baseModel, rank, seed }).result();
}

const adam = { learningRate: 1e-2 };
const lossOf = ({ metrics }: Pick<ForwardBackwardOutput, 'metrics'>): number => metrics['loss:sum'] ?? NaN;
const logprobsOf = ({ lossFnOutputs }: ForwardBackwardOutput): number[] =>
  lossFnOutputs.flatMap(({ logprobs }) => Array.from<number | bigint, number>(logprobs?.data ?? [], Number));
async function step(training: TrainingClient, seed: number): Promise<number> {
  const [pass] = await lastValueFrom(
    forkJoin([training.forwardBackward(texts(2, 8, seed), 'cross_entropy'), training.optimStep(adam)]),
  );
  return lossOf(pass);
}

describe('the order of operations', () => {
  it('is 1 to 100 over 50 pairs in one pipeline, each optimStep there before its pass has a result', async () => {
    const training = await openModel();
    // The first pass is long, so that what follows is sent while it computes.
    const dataOf = (index: number): Datum[] => texts(index === 0 ? 64 : 4, index === 0 ? 64 : 24);
    const losses = await lastValueFrom(
      range(0, 50).pipe(
        mergeMap((index) =>
          merge(
            training.forwardBackward(dataOf(index), 'cross_entropy').pipe(map(lossOf)),
            training.optimStep(adam).pipe(map(() => undefined)),
          ),
        ),
        toArray(),
      ),
    );
    expect(wire.sent).toEqual(
      Array.from({ length: 100 }, (_, index) => `${index % 2 === 0 ? 'forward_backward' : 'optim_step'} ${index + 1}`),
    );
    const before = (a: number | undefined, b: number | undefined): boolean => (a ?? NaN) < (b ?? NaN);
    wire.operations.forEach(({ operation, answeredAt, resultAt }, index) => {
      const next = wire.operations[index + 1];
      if (next !== undefined) expect(before(answeredAt, next.sentAt)).toBe(true);
      if (operation === 'forward_backward') expect(before(next?.answeredAt, resultAt)).toBe(true);
    });
    const all = losses.filter((loss) => loss !== undefined);
    expect(all).toHaveLength(50);
    expect(all.at(-1)).toBeLessThan((all[1] ?? NaN) / 2);
  });

  it('has no gap where a queued operation was left', async () => {
    const training = await openModel();
    const first = training.forwardBackward(texts(1, 8), 'cross_entropy').result();
    training.saveState('left').subscribe().unsubscribe();
    const last = training.optimStep(adam).result();
    await Promise.all([first, last]);
    expect(wire.sent).toEqual(['forward_backward 1', 'optim_step 2']);
    expect(await training.saveState('left').result()).toMatchObject({
      path: expect.stringContaining('left') as string,
    });
  });

  it('gives the seq_id of a refused operation to the next, and nothing of it was executed', async () => {
    const refused = await openModel();
    await refused.forwardBackward(texts(1, 8), 'cross_entropy').result();
    const beyond = [{ modelInput: ModelInput.fromTokens([1, 2, 2 ** 31 - 1]) }];
    const failure = await failureOf(() =>
      refused.forwardBackward([...texts(1, 8), ...beyond], 'cross_entropy').result(),
    );
    expect(failure.details).toMatchObject({ status: 400 });
    expect(failure.message).toMatch(/token/);
    await refused.optimStep(adam).result();
    expect(wire.operations.filter(({ status }) => status === 200).map(({ seqId }) => seqId)).toEqual([1, 2]);

    const control = await openModel();
    await control.forwardBackward(texts(1, 8), 'cross_entropy').result();
    await control.optimStep(adam).result();
    const probe = texts(1, 12, 9);
    const passes = await Promise.all(
      [refused, control].map((training) => training.forward(probe, 'cross_entropy').result()),
    );
    const [one, other] = passes.map(logprobsOf);
    expectClose(one ?? [], other ?? [], target.tolerance);
  });
});

describe('a batch', () => {
  it('of 300 examples is three chunks and one result, equal to the unchunked one', async () => {
    const training = await openModel();
    const data = texts(300, 6);
    const chunked = await training.forwardBackward(data, 'cross_entropy', { maxExamples: 128 }).result();
    expect(wire.sent).toEqual(['forward_backward 1', 'forward_backward 2', 'forward_backward 3']);
    const whole = await training.forwardBackward(data, 'cross_entropy', { maxExamples: 300 }).result();
    expect(wire.sent).toHaveLength(4);
    expect(chunked.lossFnOutputs).toHaveLength(300);
    expectClose([lossOf(chunked)], [lossOf(whole)], target.tolerance);
    expectClose(logprobsOf(chunked), logprobsOf(whole), target.tolerance);
    expectClose([-logprobsOf(chunked).reduce((sum, logprob) => sum + logprob, 0)], [lossOf(chunked)], target.tolerance);
  });

  it('has the same loss by a custom function', async () => {
    const training = await openModel();
    const data = texts(3, 8);
    const weighted = data.map(({ modelInput }) => ({
      modelInput: ModelInput.fromTokens(modelInput.tokens().subarray(0, 7)),
      lossFnInputs: { targetTokens: modelInput.tokens().subarray(1), weights: new Float32Array(7).fill(1) },
    }));
    const named = await training.forwardBackward(data, 'cross_entropy').result();
    const own = await training.forwardBackwardCustom(weighted, crossEntropyLoss).result();
    expectClose([lossOf(own)], [lossOf(named)], target.tolerance);
    // Uploaded it costs one pass, else two.
    expect(wire.sent).toHaveLength(wire.paths.includes('create_custom_loss') ? 2 : 3);
  });
});

describe('saved states', () => {
  it('bring a model back, with the optimizer as if it had never stopped', async () => {
    const training = await openModel();
    for (const seed of [1, 2, 3]) await step(training, seed);
    const { path } = await training.saveState('three').result();
    const going = [await step(training, 4), await step(training, 5)];
    await training.loadStateWithOptimizer(path).result();
    expectClose([await step(training, 4), await step(training, 5)], going, target.tolerance);
    const resumed = await service.createTrainingClientFromStateWithOptimizer(path).result();
    expectClose([await step(resumed, 4), await step(resumed, 5)], going, target.tolerance);
    const fresh = await service.createTrainingClientFromState(path).result();
    const [same, other] = [await step(fresh, 4), await step(fresh, 5)];
    expectClose([same], going.slice(0, 1), target.tolerance);
    expect(Math.abs(other - (going[1] ?? NaN))).toBeGreaterThan(1e-3);
  });

  it('that do not exist or are of the wrong kind or shape are refused, and the model goes on', async () => {
    const training = await openModel();
    const sampler = await training.saveWeightsForSampler({ path: 'only' }).result();
    const missing = await failureOf(() => training.loadState('tinker://no-such-run/weights/none').result());
    expect(missing.code).toBe('not_found');
    expect(missing.message).toContain('tinker://no-such-run/weights/none');
    const path = sampler.kind === 'path' ? sampler.path : '';
    const kind = await failureOf(() => training.loadState(path).result());
    expect(kind.code).toBe('bad_request');
    expect(kind.message).toContain(path);
    const { path: wide } = await (await openModel(1, 8)).saveState('wide').result();
    const shape = await failureOf(() => training.loadState(wide).result());
    expect(shape.message).toMatch(/rank 8.*rank 4/s);
    expect(await step(training, 1)).toBeGreaterThan(0);
  });

  it('of a malformed path throw at the call and send nothing', async () => {
    const training = await openModel();
    const sent = wire.paths.length;
    for (const path of ['', 'weights/x', 'tinker://', 'tinker://run', 'http://run/weights/x']) {
      expect(() => training.loadState(path)).toThrow(/tinker:\/\/<run>\/weights\/<name>/);
      expect(() => service.createTrainingClientFromState(path)).toThrow(/tinker:\/\/<run>/);
      expect(() => training.createSamplingClient(path)).toThrow(/tinker:\/\/<run>/);
    }
    expect(wire.paths).toHaveLength(sent);
  });
});

describe('sampling', () => {
  it('from saved weights gives the logprobs of training, greedily what was learned', async () => {
    const training = await openModel(1, 8);
    const text = Array.from({ length: 16 }, (_, index) => (index * 37 + 11) % 89);
    const data = [{ modelInput: ModelInput.fromTokens(text) }];
    const learn = defer(() =>
      forkJoin([training.forwardBackward(data, 'cross_entropy'), training.optimStep({ learningRate: 3e-3 })]),
    );
    await lastValueFrom(range(0, 60).pipe(concatMap(() => learn)));
    const sampling = await training.saveWeightsAndGetSamplingClient().result();
    const prompt = ModelInput.fromTokens(text.slice(0, 4));
    const samplingParams = { maxTokens: 12, temperature: 0 };
    const { sequences, promptLogprobs } = await sampling
      .sample({ prompt, samplingParams, includePromptLogprobs: true })
      .result();
    expect([...(sequences[0]?.tokens ?? [])]).toEqual(text.slice(4));
    const forward = logprobsOf(await training.forward(data, 'cross_entropy').result());
    const tolerance = Math.max(1e-4, target.tolerance);
    expectClose([...(promptLogprobs ?? [])].slice(1), forward.slice(0, 3), tolerance);
    expectClose(sequences[0]?.logprobs ?? [], forward.slice(3), tolerance);
  });
});

describe('an unloaded model', () => {
  it('takes nothing more, and its streams have completed', async () => {
    const training = await openModel();
    const ended = lastValueFrom(training.metrics$.pipe(toArray()));
    await step(training, 1);
    await training.unloadModel().result();
    expect(await ended).toHaveLength(2);
    expect((await failureOf(() => training.optimStep().result())).code).toBe('closed');
    const state = await firstValueFrom(training.queueState$, { defaultValue: undefined });
    expect(state === undefined || state.state === 'active').toBe(true);
  });
});
