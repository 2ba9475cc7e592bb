import { type Observable, map, of, switchMap, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, test } from 'vitest';
import type { SamplingClient } from '../../../src/clients/sampling.js';
import type { ServiceClient } from '../../../src/clients/service.js';
import type { TrainingClient } from '../../../src/clients/training.js';
import { TinkerError } from '../../../src/errors.js';
import { silentLogger } from '../../../src/log.js';
import { type MarbleAnswers, type MarbleRequest, marbleService } from '../../../src/testing/index.js';
import {
  type Preference,
  type Problem,
  bestOfN,
  distill,
  dpo,
  evaluate,
  fineTune,
  reinforce,
} from '../../../src/training/recipes/index.js';
import { type Datum, ModelInput } from '../../../src/wire/index.js';

const prompt = ModelInput.fromTokens([1, 2]);
const model = { baseModel: 'marble/model' };

/** One sample says 7, the other 8. */
const twoSamples = {
  sequences: [
    { tokens: [7], logprobs: [-0.5], stop_reason: 'stop' },
    { tokens: [8], logprobs: [-1], stop_reason: 'stop' },
  ],
};
const saysSeven: Problem = { prompt, reward: ({ tokens }) => (tokens.includes(7) ? 1 : 0) };

interface Run<T> {
  readonly pipeline: (training: TrainingClient, service: ServiceClient) => Observable<T>;
  readonly answers?: MarbleAnswers['answers'];
  readonly values?: MarbleAnswers['values'];
  readonly marbles: string;
  readonly emitted?: Readonly<Record<string, T>>;
  readonly error?: unknown;
  readonly unsubscribe?: string;
}

/** Runs a pipeline on a server made of marbles; returns what the server was asked. */
function run<T>({ pipeline, answers, values, marbles, emitted, error, unsubscribe }: Run<T>): readonly MarbleRequest[] {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
  return scheduler.run(({ expectObservable, flush }) => {
    const { service, transport } = marbleService(
      { scheduler, ...(answers && { answers }), ...(values && { values }) },
      { log: silentLogger },
    );
    const result$ = service.createLoraTrainingClient(model).pipe(switchMap((training) => pipeline(training, service)));
    expectObservable(result$, unsubscribe).toBe(marbles, emitted, error);
    flush();
    return transport.requests.filter(({ seqId }) => seqId !== undefined);
  });
}

const names = (requests: readonly MarbleRequest[]): string[] => requests.map(({ operation }) => operation);

/** A sampling client on the base model, of the same service. */
const baseOf = (service: ServiceClient): Observable<SamplingClient> =>
  service.createSamplingClient({ baseModel: model.baseModel });

const inputsOf = ({ body }: MarbleRequest, index: number, name: string): unknown => {
  const { data } = (
    body as { forward_backward_input: { data: { loss_fn_inputs: Record<string, { data: unknown }> }[] } }
  ).forward_backward_input;
  return data[index]?.loss_fn_inputs[name]?.data;
};

describe('reinforce', () => {
  const options = { groupSize: 2, samplingParams: { maxTokens: 1, seed: 5 } };

  test('samples from the weights of the step before, then trains', () => {
    const requests = run({
      pipeline: (training) =>
        reinforce(training, [[saysSeven], [saysSeven]], options).pipe(
          map(({ metrics }) => [metrics['reward:mean'], metrics['sampled_tokens:sum'], metrics['loss:sum']]),
        ),
      answers: { sample: '--a', forwardBackward: '-b', optimStep: '-b' },
      values: { a: twoSamples },
      marbles: '---x--(x|)',
      emitted: { x: [0.5, 2, 1] },
    });
    const step = ['save_weights_for_sampler', 'asample', 'forward_backward', 'optim_step'];
    expect(names(requests)).toEqual([...step, ...step]);
    const [, , pass] = requests;
    expect(pass && inputsOf(pass, 0, 'advantages')).toEqual([0, 0.5]);
    expect(pass && inputsOf(pass, 1, 'advantages')).toEqual([0, -0.5]);
    expect(pass && inputsOf(pass, 1, 'logprobs')).toEqual([0, -1]);
    expect(pass && inputsOf(pass, 0, 'target_tokens')).toEqual([2, 7]);
  });

  test('draws each step and problem by a seed of its own', () => {
    const requests = run({
      pipeline: (training) =>
        reinforce(training, [[saysSeven, saysSeven], [saysSeven]], options).pipe(map(({ step }) => step)),
      marbles: '(ab|)',
      emitted: { a: 0, b: 1 },
    });
    const seeds = requests
      .filter(({ operation }) => operation === 'asample')
      .map(({ body }) => (body as { sampling_params: { seed: number } }).sampling_params.seed);
    expect(seeds).toEqual([5, 6, 10_012]);
  });

  test('waits for rewards that take time, and fails the step where one is no number', () => {
    const slow = (reward: number): Problem => ({ prompt, reward: () => of(reward) });
    const later: Problem = { prompt, reward: () => timer(4).pipe(map(() => 1)) };
    run({
      pipeline: (training) => reinforce(training, [[slow(0), later]], options).pipe(map(({ step }) => step)),
      marbles: '----(a|)',
      emitted: { a: 0 },
    });
    run({
      pipeline: (training) => reinforce(training, [[slow(NaN)]], options).pipe(map(({ step }) => step)),
      marbles: '#',
      error: expect.objectContaining({
        code: 'training_failed',
        message: expect.stringContaining('Expected a reward as a finite number, got NaN') as string,
      }),
    });
  });

  test('takes the distance to a reference from the advantages', () => {
    const requests = run({
      pipeline: (training, service) =>
        baseOf(service).pipe(
          switchMap((reference) =>
            reinforce(training, [[saysSeven]], { ...options, kl: { reference, coefficient: 0.1 } }),
          ),
          map(({ metrics }) => metrics['kl_reference:mean']),
        ),
      // The samples, then the reference's logprobs of each: −1.5 and −1, where the sampler has −0.5 and −1.
      answers: { sample: ['-a', '-b', '-c'] },
      values: {
        a: twoSamples,
        b: { prompt_logprobs: [null, -2, -1.5] },
        c: { prompt_logprobs: [null, -2, -1] },
      },
      marbles: '--(k|)',
      emitted: { k: 0.5 },
    });
    const pass = requests.find(({ operation }) => operation === 'forward_backward');
    // k1 is 1 and 0, its mean 0.5: advantages of ±0.5 less 0.1 · ±0.5.
    expect(pass && inputsOf(pass, 0, 'advantages')).toEqual([0, expect.closeTo(0.45, 6)]);
    expect(pass && inputsOf(pass, 1, 'advantages')).toEqual([0, expect.closeTo(-0.45, 6)]);
  });

  test('sends nothing more after an unsubscribe', () => {
    const requests = run({
      pipeline: (training) => reinforce(training, [[saysSeven]], options).pipe(map(({ step }) => step)),
      answers: { sample: '-----a' },
      values: { a: twoSamples },
      marbles: '---',
      unsubscribe: '---!',
    });
    expect(names(requests)).toEqual(['save_weights_for_sampler', 'asample']);
  });
});

test('distill trains towards what the teacher finds likelier', () => {
  const requests = run({
    pipeline: (training, service) =>
      baseOf(service).pipe(
        switchMap((teacher) =>
          distill(training, teacher, [[prompt]], { groupSize: 2, samplingParams: { maxTokens: 1 } }),
        ),
        map(({ metrics }) => [metrics['kl_reference:mean'], metrics['reward:mean']]),
      ),
    answers: { sample: ['-a', '-b', '-c'] },
    values: {
      a: twoSamples,
      b: { prompt_logprobs: [null, -2, -3.5] },
      c: { prompt_logprobs: [null, -2, -0] },
    },
    marbles: '--(k|)',
    emitted: { k: [1, 0] },
  });
  const pass = requests.find(({ operation }) => operation === 'forward_backward');
  // log p − log q is 3 and −1, its mean 1.
  expect(pass && inputsOf(pass, 0, 'advantages')).toEqual([0, -2]);
  expect(pass && inputsOf(pass, 1, 'advantages')).toEqual([0, 2]);
});

describe('dpo', () => {
  const answer = (token: number): Datum => ({
    modelInput: prompt,
    lossFnInputs: { targetTokens: [2, token], weights: [0, 1] },
  });
  const pair: Preference = { chosen: answer(7), rejected: answer(8) };

  test('asks for the reference once, then trains on pairs', () => {
    const requests = run({
      pipeline: (training) =>
        dpo(training, [pair, pair], { batchSize: 1, epochs: 1 }).pipe(
          // The server's logprobs are the reference's: −log σ(0) = log 2, and no pair is told apart.
          map(({ metrics }) => [metrics['loss:sum'], metrics['accuracy:mean'], metrics['margin:mean']]),
        ),
      answers: { forward: ['---a', '-a'], forwardBackward: '-a', optimStep: 'a' },
      marbles: '-----x-(x|)',
      emitted: { x: [expect.closeTo(Math.LN2, 6) as number, 0, 0] },
    });
    const step = ['forward', 'forward_backward', 'optim_step'];
    expect(names(requests)).toEqual(['forward', ...step, ...step]);
    const [, , pass] = requests;
    // −∂/∂p of −log σ(β·margin) is β/2 for the chosen answer at a margin of 0.
    expect(pass && inputsOf(pass, 0, 'weights')).toEqual([0, expect.closeTo(0.05, 6)]);
    expect(pass && inputsOf(pass, 1, 'weights')).toEqual([0, expect.closeTo(-0.05, 6)]);
  });
});

describe('fineTune', () => {
  const datum = (weights: readonly number[]): Datum => ({
    modelInput: prompt,
    lossFnInputs: { targetTokens: [2, 3], weights },
  });

  test('gives the loss a token, and that of the held-out data at its step', () => {
    const requests = run({
      pipeline: (training) =>
        fineTune(training, [datum([0, 1]), datum([1, 1])], {
          batchSize: 2,
          epochs: 4,
          depth: 2,
          evaluate: { data: [datum([1, 0.5])], every: 2 },
        }).pipe(map(({ metrics }) => [metrics['loss:mean'], metrics['eval_loss:mean']])),
      answers: { forwardBackward: '----a', forward: '-b' },
      values: { a: { metrics: { 'loss:sum': 6 } }, b: { metrics: { 'loss:sum': 3 } } },
      marbles: '----(xy)(xy|)',
      emitted: { x: [2, undefined], y: [2, 2] },
    });
    const step = ['forward_backward', 'optim_step'];
    expect(names(requests)).toEqual([...step, ...step, 'forward', ...step, ...step, 'forward']);
  });
});

describe('sampling recipes', () => {
  const sampled = (pipeline: (sampling: SamplingClient) => Observable<unknown>, expected: unknown): void => {
    run({
      pipeline: (_, service) => baseOf(service).pipe(switchMap(pipeline)),
      answers: { sample: '--a' },
      values: { a: twoSamples },
      marbles: '--(e|)',
      emitted: { e: expected },
    });
  };

  test('bestOfN keeps the sample of the highest reward', () => {
    const best = (problem: Problem) => (sampling: SamplingClient) =>
      bestOfN(sampling, problem, { groupSize: 2 }).pipe(map(({ sample, reward }) => [sample.tokens[0], reward]));
    sampled(best(saysSeven), [7, 1]);
    sampled(best({ prompt, reward: ({ tokens }) => (tokens.includes(8) ? 3 : 2) }), [8, 3]);
    sampled(best({ prompt, reward: () => 0 }), [7, 0]);
  });

  test('evaluate gives the mean reward and pass@k', () => {
    const never: Problem = { prompt, reward: () => 0.5 };
    sampled(
      (sampling) =>
        evaluate(sampling, [saysSeven, never], { groupSize: 2, passAt: [1, 2] }).pipe(map(({ metrics }) => metrics)),
      { 'reward:mean': 0.5, 'pass@1': 0.25, 'pass@2': 0.5 },
    );
  });

  test('refuse what can not be', () => {
    const sampler = { sample: () => expect.unreachable() };
    expect(() => evaluate(sampler, [], { groupSize: 1 })).toThrow(/at least one problem, got "none"/);
    expect(() => evaluate(sampler, [saysSeven], { groupSize: 2, passAt: [3] })).toThrow(
      /passAt to be whole numbers from 1 to groupSize, 2, got 3/,
    );
    expect(() => evaluate(sampler, [saysSeven], { groupSize: 2, passAt: [0] })).toThrow(TinkerError);
  });
});
