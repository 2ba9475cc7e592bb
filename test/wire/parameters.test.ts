import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWireAdamParams } from '../../src/wire/adamParams.js';
import { toWireLoraConfig } from '../../src/wire/loraConfig.js';
import { toWireLossConfig } from '../../src/wire/lossConfig.js';
import { toWireSamplingParams } from '../../src/wire/samplingParams.js';

describe('toWireAdamParams', () => {
  it('fills in the defaults of the protocol', () => {
    expect(toWireAdamParams()).toEqual({
      learning_rate: 1e-4,
      beta1: 0.9,
      beta2: 0.95,
      eps: 1e-12,
      weight_decay: 0,
      grad_clip_norm: 0,
    });
  });

  it('keeps what is given', () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, (learningRate, beta1, weightDecay) => {
        const wire = toWireAdamParams({ learningRate, beta1, weightDecay });
        expect(wire).toMatchObject({ learning_rate: learningRate, beta1, weight_decay: weightDecay, beta2: 0.95 });
      }),
    );
  });

  it.each([
    [{ learningRate: -1 }, 'Expected learningRate to be a finite number ≥ 0, got -1.'],
    [{ beta1: 1 }, 'Expected beta1 to be a finite number ≥ 0 and < 1, got 1.'],
    [{ gradClipNorm: NaN }, 'Expected gradClipNorm to be a finite number ≥ 0, got NaN.'],
    [{ learningRate: '1e-4' as never }, 'Expected learningRate to be a finite number ≥ 0, got "1e-4".'],
    [{ lr: 1 } as never, 'Expected adamParams with keys out of learningRate, beta1,'],
  ])('refuses %j', (params, message) => {
    expect(() => toWireAdamParams(params)).toThrow(message);
  });
});

describe('toWireSamplingParams', () => {
  it('fills in the defaults and leaves out what the server decides', () => {
    expect(toWireSamplingParams()).toEqual({ temperature: 1, top_k: -1, top_p: 1 });
  });

  it('keeps what is given', () => {
    expect(toWireSamplingParams({ maxTokens: 8, seed: 0, stop: [], temperature: 0, topK: 5, topP: 0.5 })).toEqual({
      max_tokens: 8,
      seed: 0,
      stop: [],
      temperature: 0,
      top_k: 5,
      top_p: 0.5,
    });
    expect(toWireSamplingParams({ stop: '\n' }).stop).toBe('\n');
    expect(toWireSamplingParams({ stop: [2, 3] }).stop).toEqual([2, 3]);
  });

  it.each([
    [{ maxTokens: 0 }, 'maxTokens to be an integer ≥ 1, got 0.'],
    [{ topK: 0 }, 'topK (or -1 for all) to be an integer ≥ 1, got 0.'],
    [{ topP: 0 }, 'topP to be a finite number > 0 and ≤ 1'],
    [{ topP: 1.1 }, 'topP to be a finite number'],
    [{ temperature: -1 }, 'temperature to be a finite number ≥ 0'],
    [{ stop: ['a', 1] as never }, 'stop to be a string, an array of strings or an array of tokens'],
    [{ stop: 7 as never }, 'stop to be a string'],
    [{ max_tokens: 1 } as never, 'samplingParams with keys out of maxTokens,'],
  ])('refuses %j', (params, message) => {
    expect(() => toWireSamplingParams(params)).toThrow(message);
  });
});

describe('toWireLoraConfig', () => {
  it('fills in the defaults', () => {
    expect(toWireLoraConfig()).toEqual({ rank: 32, train_mlp: true, train_attn: true, train_unembed: true });
    expect(toWireLoraConfig({ rank: 8, seed: 7, trainMlp: false })).toMatchObject({
      rank: 8,
      seed: 7,
      train_mlp: false,
    });
  });

  it('refuses a rank that is none, and an adapter with nothing to train', () => {
    expect(() => toWireLoraConfig({ rank: 0 })).toThrow('Expected rank to be an integer ≥ 1, got 0.');
    expect(() => toWireLoraConfig({ trainMlp: false, trainAttn: false, trainUnembed: false })).toThrow('all false');
  });
});

describe('toWireLossConfig', () => {
  it('writes keys in snake_case', () => {
    expect(toWireLossConfig({ clipLowThreshold: 0.8, kl_coeff: 0.1, lossId: 'x' })).toEqual({
      clip_low_threshold: 0.8,
      kl_coeff: 0.1,
      loss_id: 'x',
    });
  });

  it('refuses what is no finite number', () => {
    expect(() => toWireLossConfig({ beta: NaN })).toThrow('a finite number or a string in lossConfig.beta, got NaN');
  });
});
