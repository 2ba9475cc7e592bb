import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Datum } from '../../src/wire/datum.js';
import { lossNames } from '../../src/wire/lossName.js';
import { ModelInput } from '../../src/wire/modelInput.js';
import { prepareTensor } from '../../src/wire/preparedTensor.js';
import type { Provenance } from '../../src/wire/provenance.js';
import { TensorData } from '../../src/wire/tensorData.js';
import { validateData } from '../../src/wire/validateData.js';

const modelInput = ModelInput.fromTokens([5, 6, 7]);
const targetTokens = [6, 7, 8];
const weights = [0, 1, 1];
const supervised: Datum = { modelInput, lossFnInputs: { targetTokens, weights } };

describe('validateData', () => {
  it('gives known inputs their wire name and dtype', () => {
    const lossFnInputs = { targetTokens, logprobs: [-1, -1, -1], advantages: [1, 1, 1], clipLowThreshold: [0, 0, 0] };
    const [datum] = validateData([{ modelInput, lossFnInputs }], 'ppo');
    expect(datum?.modelInput).toBe(modelInput);
    const dtypes = Object.entries(datum?.lossFnInputs ?? {}).map(([name, { dtype }]) => [name, dtype]);
    expect(dtypes).toEqual([
      ['target_tokens', 'int64'],
      ['logprobs', 'float32'],
      ['advantages', 'float32'],
      ['clip_low_threshold', 'float32'],
    ]);
  });

  it('borrows typed arrays and passes unknown names through as they are', () => {
    const targets = Int32Array.from(targetTokens);
    const mine = Float32Array.of(1, 2);
    const lossFnInputs = { target_tokens: targets, weights, myRef: mine };
    const [datum] = validateData([{ modelInput, lossFnInputs }], 'cross_entropy');
    expect(datum?.lossFnInputs.target_tokens?.data).toBe(targets);
    expect(datum?.lossFnInputs.myRef?.data).toBe(mine);
  });

  it('reads a text-only datum under cross_entropy as next-token training', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2 }), (tokens) => {
        const [datum] = validateData([{ modelInput: ModelInput.fromTokens(tokens) }], 'cross_entropy');
        expect([...(datum?.modelInput.tokens() ?? [])]).toEqual(tokens.slice(0, -1));
        expect(datum?.lossFnInputs.target_tokens?.data).toEqual(Int32Array.from(tokens.slice(1)));
        expect(datum?.lossFnInputs.weights?.data).toEqual(new Float32Array(tokens.length - 1).fill(1));
      }),
    );
  });

  it('leaves numbers in their arrays, and converts those that need 64 bits', () => {
    const [datum] = validateData([supervised], 'cross_entropy');
    expect(datum?.lossFnInputs.target_tokens).toEqual({ data: targetTokens, dtype: 'int64', shape: [3] });
    expect(datum?.lossFnInputs.target_tokens?.data).toBe(targetTokens);
    expect(datum?.lossFnInputs.weights?.data).toBe(weights);
    const far = [1, 2 ** 31, 3];
    const other = prepareTensor(far, 'int64', 'far');
    expect(other.data).toEqual(BigInt64Array.from(far, BigInt));
    expect(() => validateData([{ modelInput, lossFnInputs: { targetTokens: far, weights } }], 'cross_entropy')).toThrow(
      'Expected integers from 0 to 2147483647 in data[0].lossFnInputs.target_tokens, got 2147483648 at position 1.',
    );
  });

  it('shares the memory of a text-only datum', () => {
    const tokens = Int32Array.of(1, 2, 3);
    const [datum] = validateData([{ modelInput: ModelInput.fromTokens(tokens) }], 'cross_entropy');
    expect(datum?.modelInput.tokens().buffer).toBe(tokens.buffer);
    expect(datum?.lossFnInputs.target_tokens?.data).toHaveProperty('buffer', tokens.buffer);
  });

  it('takes targets of two dimensions with weights alike', () => {
    const targets = new TensorData(Int32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const likewise = new TensorData(new Float32Array(6), [3, 2]);
    const datum = { modelInput, lossFnInputs: { targetTokens: targets, weights: likewise } };
    expect(validateData([datum], 'cross_entropy')).toHaveLength(1);
    expect(() =>
      validateData([{ modelInput, lossFnInputs: { targetTokens: targets, weights } }], 'cross_entropy'),
    ).toThrow('Expected weights in data[0].lossFnInputs of shape [3, 2] like target_tokens, got "[3]".');
  });

  it.each(lossNames.filter((name) => name !== 'cross_entropy'))('wants logprobs and advantages for %s', (loss) => {
    expect(() => validateData([supervised], loss)).toThrow('missing: logprobs, advantages.');
    expect(() => validateData([{ modelInput }], loss)).toThrow(
      `Expected target_tokens, logprobs, advantages in data[0].lossFnInputs for ${loss}, got none;`,
    );
  });

  it.each<[string, readonly Datum[], string, string]>([
    ['no data', [], 'cross_entropy', 'Expected data as a non-empty array of datums, got an empty array.'],
    [
      'an unknown loss',
      [supervised],
      'mse',
      'Expected a loss out of cross_entropy, importance_sampling, ppo, cispo, dro, gspo, stable_reinforce, got "mse".',
    ],
    [
      'lengths that differ',
      [supervised, { modelInput, lossFnInputs: { targetTokens: [1, 2], weights: [1, 1] } }],
      'cross_entropy',
      'Expected as many target_tokens in data[1].lossFnInputs as modelInput has tokens (3), got 2.',
    ],
    [
      'weights of another length',
      [{ modelInput, lossFnInputs: { targetTokens, weights: [1] } }],
      'cross_entropy',
      'Expected weights in data[0].lossFnInputs of shape [3] like target_tokens, got "[1]".',
    ],
    ['missing weights', [{ modelInput, lossFnInputs: { targetTokens } }], 'cross_entropy', 'missing: weights.'],
    [
      'NaN weights',
      [{ modelInput, lossFnInputs: { targetTokens, weights: [1, 1, NaN] } }],
      'cross_entropy',
      'Expected finite numbers in data[0].lossFnInputs.weights, got NaN at position 2.',
    ],
    [
      'a negative target',
      [{ modelInput, lossFnInputs: { targetTokens: [1, -100, 2], weights } }],
      'cross_entropy',
      'Expected integers from 0 to 2147483647 in data[0].lossFnInputs.target_tokens, got -100 at position 1.',
    ],
    [
      'an input given twice',
      [{ modelInput, lossFnInputs: { targetTokens, target_tokens: targetTokens, weights } }],
      'cross_entropy',
      'Expected target_tokens once in data[0].lossFnInputs',
    ],
    [
      'a text of one token',
      [{ modelInput: ModelInput.fromTokens([1]) }],
      'cross_entropy',
      'Expected at least 2 tokens in data[0].modelInput for next-token training, got 1.',
    ],
    [
      'no tokens',
      [{ modelInput: ModelInput.fromTokens([]), lossFnInputs: { targetTokens: [], weights: [] } }],
      'cross_entropy',
      'Expected at least one token in data[0].modelInput',
    ],
    [
      'no ModelInput',
      [{ modelInput: [1, 2] as never }],
      'cross_entropy',
      'Expected a ModelInput in data[0].modelInput, got an array of 2. Make one by ModelInput.fromTokens.',
    ],
  ])('refuses %s', (_, data, loss, message) => {
    expect(() => validateData(data, loss)).toThrow(message);
  });
});

describe('provenance', () => {
  const modelInput = ModelInput.fromTokens([1, 2, 3]);
  const inputs = { targetTokens: [2, 3, 4], weights: [0, 1, 1] };
  const prompt = { from: 'prompt', sequenceId: 's', length: 2 } as const;
  const sample = { from: 'sample', sequenceId: 's', length: 1 } as const;
  const whole: Provenance = {
    modelInput: [prompt, sample],
    targetTokens: [
      { ...prompt, length: 1 },
      { ...sample, length: 2 },
    ],
  };

  it('is kept where its runs cover both', () => {
    const [datum] = validateData([{ modelInput, lossFnInputs: inputs, provenance: whole }], 'cross_entropy');
    expect(datum?.provenance).toEqual(whole);
  });

  it.each<[string, Provenance, RegExp]>([
    ['with a gap', { ...whole, modelInput: [prompt] }, /data\[0\].provenance.modelInput to cover 3 positions, got 2/],
    ['of too much', { ...whole, targetTokens: [{ ...prompt, length: 4 }] }, /targetTokens to cover 3 positions, got 4/],
    ['without an id', { ...whole, modelInput: [{ ...prompt, length: 3, sequenceId: '' }] }, /sequenceId/],
    ['of elsewhere', { ...whole, modelInput: [{ ...prompt, from: 'web' as 'prompt' }] }, /prompt or sample/],
    ['before the start', { ...whole, modelInput: [{ ...prompt, length: 3, offset: -1 }] }, /offset/],
  ])('%s is refused', (_, provenance, message) => {
    expect(() => validateData([{ modelInput, lossFnInputs: inputs, provenance }], 'cross_entropy')).toThrow(message);
  });

  it('of a pointer to an image can not be trained on', () => {
    const pointer = { type: 'image_asset_pointer', location: 'a', format: 'png', expectedTokens: 3 } as const;
    const datum = { modelInput: new ModelInput([pointer]), lossFnInputs: inputs };
    expect(() => validateData([datum], 'cross_entropy')).toThrow(/Pointers are for prompts/);
  });
});
