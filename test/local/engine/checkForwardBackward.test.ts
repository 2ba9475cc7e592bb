import { describe, expect, it } from 'vitest';
import { checkForwardBackward } from '../../../src/local/engine/checkForwardBackward.js';
import type { EngineDatum, EngineTensor, ForwardBackwardJob } from '../../../src/local/engine/engine.js';
import { losses } from '../../../src/local/engine/losses.js';
import { randomJob } from './engineFixtures.js';

const limits = { vocabularySize: 13, maxContextLength: 10 };
const floats = (...values: number[]): EngineTensor => ({ data: Float32Array.from(values), shape: [values.length] });
const tokens = (...values: number[]): EngineTensor => ({ data: Int32Array.from(values), shape: [values.length] });

const good: EngineDatum = {
  tokens: Int32Array.of(1, 2, 3),
  inputs: {
    target_tokens: tokens(2, 3, 4),
    weights: floats(1, 1, 1),
    logprobs: floats(-1, -1, -1),
    advantages: floats(1, 0, -1),
  },
};

const jobWith = (change: Partial<ForwardBackwardJob>): ForwardBackwardJob => ({
  data: [good],
  loss: 'cross_entropy',
  config: {},
  backward: true,
  ...change,
});
/** A good datum, then one with these inputs changed. */
const inputs = (change: EngineDatum['inputs'], loss = 'cross_entropy'): ForwardBackwardJob =>
  jobWith({ loss, data: [good, { ...good, inputs: { ...good.inputs, ...change } }] });
const withTokens = (...values: number[]): ForwardBackwardJob =>
  jobWith({ data: [good, { ...good, tokens: Int32Array.from(values) }] });
const without = (name: string, loss: string): ForwardBackwardJob => {
  const rest = Object.fromEntries(Object.entries(good.inputs).filter(([key]) => key !== name));
  return jobWith({ loss, data: [{ ...good, inputs: rest }] });
};

describe('checkForwardBackward', () => {
  it.each(Object.keys(losses))('lets good data of %s pass', (loss) => {
    expect(() => {
      checkForwardBackward(limits, randomJob(1, [1, 10, 3], 13, loss));
    }).not.toThrow();
  });

  it.each([
    [
      'an unknown loss',
      jobWith({ loss: 'toString' }),
      'Expected a loss of cross_entropy, importance_sampling, ppo, cispo, dro, gspo, got "toString".',
    ],
    ['no data', jobWith({ data: [] }), 'Expected at least one datum, got no data.'],
    ['an empty sequence', withTokens(), 'Expected at least one token in data[1], got an empty sequence.'],
    [
      'a sequence that is too long',
      withTokens(...new Array<number>(11).fill(1)),
      'Expected at most 10 tokens in data[1], got 11.',
    ],
    [
      'a token outside the vocabulary',
      withTokens(1, 13, 3),
      'Expected integers from 0 to 12 as the tokens of data[1], got 13 at position 1.',
    ],
    [
      'a negative token',
      withTokens(1, 2, -1),
      'Expected integers from 0 to 12 as the tokens of data[1], got -1 at position 2.',
    ],
    [
      'a target outside the vocabulary',
      inputs({ target_tokens: tokens(1, 2, 99) }),
      'Expected integers from 0 to 12 as target_tokens of data[1], got 99 at position 2.',
    ],
    [
      'a target that is no integer',
      inputs({ target_tokens: floats(1, 2.5, 3) }),
      'as target_tokens of data[1], got 2.5 at position 1.',
    ],
    [
      'targets of another length',
      inputs({ target_tokens: tokens(1, 2) }),
      'Expected target_tokens of data[1] to be as long as the tokens, 3, got 2.',
    ],
    [
      'weights of another length',
      inputs({ weights: floats(1, 1, 1, 1) }),
      'Expected weights of data[1] to be as long as the tokens, 3, got 4.',
    ],
    [
      'advantages of another length',
      inputs({ advantages: floats(1) }, 'ppo'),
      'Expected advantages of data[1] to be as long as the tokens, 3, got 1.',
    ],
    [
      'a matrix',
      inputs({ weights: { data: new Float32Array(3), shape: [3, 1] } }),
      'Expected weights of data[1] to have one axis, got shape [3, 1].',
    ],
    [
      'a shape that is not that of the data',
      inputs({ weights: { data: new Float32Array(3), shape: [4] } }),
      'as long as the tokens',
    ],
    [
      'NaN',
      inputs({ weights: floats(1, NaN, 1) }),
      'Expected finite numbers as weights of data[1], got NaN at position 1.',
    ],
    [
      'Infinity',
      inputs({ logprobs: floats(-Infinity, 0, 0) }, 'ppo'),
      'Expected finite numbers as logprobs of data[1], got -Infinity at position 0.',
    ],
    [
      'missing targets',
      without('target_tokens', 'ppo'),
      'Expected target_tokens in the loss inputs of data[0] for ppo, got weights, logprobs, advantages.',
    ],
    [
      'missing weights',
      without('weights', 'cross_entropy'),
      'Expected weights in the loss inputs of data[0] for cross_entropy',
    ],
    [
      'missing logprobs',
      without('logprobs', 'importance_sampling'),
      'Expected logprobs in the loss inputs of data[0] for importance_sampling',
    ],
    [
      'missing advantages',
      without('advantages', 'cispo'),
      'Expected advantages in the loss inputs of data[0] for cispo',
    ],
    ['an input that no loss has', inputs({ advantage: floats(1, 1, 1) }), 'in data[1], got "advantage".'],
    [
      'an unknown configuration key',
      jobWith({ loss: 'ppo', config: { clip: 1 } }),
      'Expected configuration keys of clip_low_threshold, clip_high_threshold for ppo, got "clip".',
    ],
    [
      'configuration where there is none',
      jobWith({ config: { beta: 1 } }),
      'Expected no configuration for cross_entropy, got "beta".',
    ],
    [
      'configuration that is no number',
      jobWith({ loss: 'ppo', config: { clip_low_threshold: '1' } }),
      'Expected a finite number for clip_low_threshold of ppo, got "1".',
    ],
    [
      'configuration that is NaN',
      jobWith({ loss: 'dro', config: { beta: NaN } }),
      'Expected a finite number for beta of dro, got NaN.',
    ],
    [
      'configuration that is missing',
      jobWith({ loss: 'dro' }),
      'Expected beta in the configuration of dro, which has no default, got none.',
    ],
  ])('refuses %s', (_, job, message) => {
    const check = (): void => {
      checkForwardBackward(limits, job);
    };
    expect(check).toThrow(expect.objectContaining({ code: 'bad_request' }));
    expect(check).toThrow(message);
  });
});
