import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ModelInput, type SampleRequest, type SamplingClient, TensorData } from '../../src/index.js';
import { expectClose } from './support/closeTo.js';
import { tokens } from './support/data.js';
import { failureOf } from './support/failureOf.js';
import { type Target, openTarget } from './support/target.js';

const drawn = tokens(6, 2);
const prompt = ModelInput.fromTokens(drawn);
const one = { maxTokens: 1, stop: [] };
const length = drawn.length;
let target: Target;
let sampling: SamplingClient;
let logprobs: number[];

beforeAll(async () => {
  target = await openTarget();
  sampling = await target.connect().service.createSamplingClient({ baseModel: target.baseModel }).result();
  logprobs = Array.from(await sampling.computeLogprobs(prompt).result());
});
afterAll(() => target.close());

const numbers = (tensor: TensorData | undefined): number[] => tensor?.toArray() ?? [];

describe('samples', () => {
  it('are as many as asked for, each with an id of its own where the server keeps them', async () => {
    const { sequences } = await sampling
      .sample({ prompt, numSamples: 3, samplingParams: { maxTokens: 4, seed: 1, stop: [] } })
      .result();
    expect(sequences.map((sequence) => [sequence.tokens.length, sequence.logprobs?.length])).toEqual(
      Array.from({ length: 3 }, () => [4, 4]),
    );
    expect(sequences.map(({ stopReason }) => stopReason)).toEqual(['length', 'length', 'length']);
    const ids = sequences.flatMap(({ sequenceId }) => sequenceId ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect([0, 3]).toContain(ids.length);
  });

  it('come with the likeliest tokens at each position, of which a greedy sample is the first', async () => {
    const { sequences } = await sampling
      .sample({ prompt, topkSampleLogprobs: 3, samplingParams: { maxTokens: 4, temperature: 0, stop: [] } })
      .result();
    const [sequence] = sequences;
    const rows = sequence?.topkSampledLogprobs ?? [];
    expect(rows.map((row) => row.length)).toEqual([3, 3, 3, 3]);
    expect(rows.map(([first]) => first?.token)).toEqual(Array.from(sequence?.tokens ?? []));
    expectClose(
      rows.map(([first]) => first?.logprob ?? NaN),
      sequence?.logprobs ?? [],
      target.tolerance,
    );
    for (const row of rows) {
      const values = row.map(({ logprob }) => logprob);
      expect(values).toEqual([...values].sort((a, b) => b - a));
    }
  });
});

describe('the logprobs of a prompt', () => {
  it('are NaN for the first token only, and the same in a sample', async () => {
    expect(logprobs.map(Number.isNaN)).toEqual(drawn.map((_, index) => index === 0));
    const { promptLogprobs = [] } = await sampling
      .sample({ prompt, includePromptLogprobs: true, samplingParams: one })
      .result();
    expectClose(Array.from(promptLogprobs).slice(1), logprobs.slice(1), target.tolerance);
  });

  it('are those of the last n tokens where only they are asked for', async () => {
    const last = Array.from(await sampling.computeLogprobs(prompt, { promptLogprobsLastN: 2 }).result());
    expect(last.slice(0, -2).every(Number.isNaN)).toBe(true);
    expectClose(last.slice(-2), logprobs.slice(-2), target.tolerance);
  });

  it('of given tokens are in the matrix that asked for them, dense and sparse, 0 for none', async () => {
    // In one column the prompt's own tokens, in another none, or the first token of the vocabulary.
    const dense = new TensorData(Int32Array.from(drawn.slice(1).flatMap((token, row) => [token, row === 2 ? -1 : 0])), [
      length - 1,
      2,
    ]);
    const sparse = new TensorData(Int32Array.from([...drawn.slice(1, 3), ...drawn.slice(5)]), [length - 1, 2], {
      crowIndices: Int32Array.of(0, 1, 2, 2, 2, 3),
      colIndices: Int32Array.of(1, 0, 1),
    });
    const ask = async (targetPromptLogprobs: TensorData): Promise<TensorData | undefined> =>
      (await sampling.sample({ prompt, targetPromptLogprobs, samplingParams: one }).result()).targetPromptLogprobs;
    const [full, csr] = await Promise.all([ask(dense), ask(sparse)]);
    expect([full?.shape, csr?.shape]).toEqual([dense.shape, dense.shape]);
    const own = numbers(full).filter((_, index) => index % 2 === 0);
    expectClose(own, logprobs.slice(1), target.tolerance);
    expect(numbers(full)[5]).toBe(0);
    expect(numbers(full)[1]).toBeLessThan(0);
    expect(csr?.sparse).toEqual(sparse.sparse);
    expectClose(csr?.data ?? [], [logprobs[1] ?? NaN, logprobs[2] ?? NaN, logprobs[5] ?? NaN], target.tolerance);
  });

  it('come with the likeliest tokens', async () => {
    const { topkPromptLogprobs: rows = [] } = await sampling
      .sample({ prompt, includePromptLogprobs: true, topkPromptLogprobs: 2, samplingParams: one })
      .result();
    expect(rows.map((row) => row.length)).toEqual([0, 2, 2, 2, 2, 2]);
    rows.slice(1).forEach(([first], index) => {
      expect(first?.logprob).toBeGreaterThanOrEqual((logprobs[index + 1] ?? NaN) - target.tolerance);
    });
  });

  it('come with tokens drawn in place of the prompt’s, which have the logprobs they are scored with', async () => {
    const { promptAltTokens: drawnInPlace } = await sampling
      .sample({ prompt, promptAltTokensK: 3, samplingParams: { ...one, seed: 5 } })
      .result();
    expect(drawnInPlace?.tokens.shape).toEqual([length - 1, 3]);
    const targetPromptLogprobs = new TensorData(Int32Array.from(numbers(drawnInPlace?.tokens)), [length - 1, 3]);
    const scored = await sampling.sample({ prompt, targetPromptLogprobs, samplingParams: one }).result();
    expectClose(numbers(drawnInPlace?.logprobs), numbers(scored.targetPromptLogprobs), target.tolerance);
  });
});

describe('a wrong request', () => {
  const matrix = (shape: number[]): TensorData =>
    new TensorData(new Int32Array(shape.reduce((size, dimension) => size * dimension, 1)), shape);
  const wrong: Record<string, [Partial<SampleRequest>, RegExp]> = {
    'a matrix of another height': [{ targetPromptLogprobs: matrix([length, 1]) }, /shape \[5, k\], got .*\[6, 1\]/],
    'targets of one dimension': [{ targetPromptLogprobs: matrix([length - 1]) }, /shape \[5, k\]/],
    'targets of floats': [{ targetPromptLogprobs: new TensorData(new Float32Array(5), [5, 1]) }, /int64/],
    'a target of -2': [{ targetPromptLogprobs: new TensorData(Int32Array.of(0, 0, -2, 0, 0), [5, 1]) }, /-2 at 2/],
    'a suffix without logprobs': [{ promptLogprobsLastN: 1 }, /includePromptLogprobs/],
    'a suffix as long as the prompt': [{ includePromptLogprobs: true, promptLogprobsLastN: length }, /≤ 5/],
    'half a candidate': [{ topkSampleLogprobs: 0.5 }, /topkSampleLogprobs/],
    'less than no draws': [{ promptAltTokensK: -1 }, /promptAltTokensK/],
  };
  it.each(Object.keys(wrong))('with %s is refused at the call', (name) => {
    const [request, message] = wrong[name] ?? [];
    expect(() => sampling.sample({ prompt, ...request })).toThrow(message);
  });

  it('for what the server does not keep is an error that says so', async () => {
    const { service } = target.connect();
    const recording = await service
      .createSamplingClient({ baseModel: target.baseModel, recordStabilityInfo: true })
      .result();
    const asked = recording.sample({ prompt, samplingParams: one }).result();
    const outcome = await failureOf(() => asked).catch(() => undefined);
    // A server that keeps it takes the request.
    if (outcome === undefined) expect((await asked).sequences).toHaveLength(1);
    else expect(outcome.message).toMatch(/record_stability_info/);
  });
});

describe('many samples at a time', () => {
  it('share one poll where the server has it, and those that nobody waits for are cancelled where it can', async () => {
    const { service, wire } = target.connect();
    const client = await service.createSamplingClient({ baseModel: target.baseModel }).result();
    const draw = (): Promise<unknown> => client.sample({ prompt, samplingParams: { maxTokens: 8, stop: [] } }).result();
    // Long enough not to be done when it is left.
    const left = client.sample({ prompt, numSamples: 16, samplingParams: { maxTokens: 200, stop: [] } }).subscribe();
    const outcomes = Array.from({ length: 8 }, draw);
    const count = (path: string): number => wire.paths.filter((sent) => sent === path).length;
    const isPolled = (): void => {
      expect(count('retrieve_futures') + count('retrieve_future')).toBeGreaterThan(0);
    };
    await vi.waitFor(isPolled, { interval: 1 });
    left.unsubscribe();
    await Promise.all(outcomes);
    await service.close();
    expect(count('asample')).toBe(9);
    if (count('retrieve_futures') > 0) expect(count('retrieve_future')).toBeLessThanOrEqual(9);
    else expect(count('retrieve_future')).toBeGreaterThanOrEqual(8);
    // The embedded server has both.
    if (process.env.RXTINKER_CONTRACT_URL === undefined) {
      expect(count('retrieve_futures')).toBeGreaterThan(0);
      expect(count('cancel_future')).toBe(1);
    }
  });
});
