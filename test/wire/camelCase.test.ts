import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { camelCase, camelKeys, snakeCase } from '../../src/wire/camelCase.js';

describe('camelCase and snakeCase', () => {
  it('undo each other', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
    const name = fc
      .tuple(word, fc.array(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 4 }))
      .map(([first, rest]) => [first, ...rest].join('_'));
    fc.assert(
      fc.property(name, (snake) => {
        expect(snakeCase(camelCase(snake))).toBe(snake);
      }),
    );
    expect(camelCase('target_tokens')).toBe('targetTokens');
  });
});

describe('camelKeys', () => {
  it('renames keys and leaves out what is undefined', () => {
    const value: { model_id: string; lora_rank: number | undefined } = { model_id: 'm', lora_rank: undefined };
    expect(Object.entries(camelKeys(value))).toEqual([['modelId', 'm']]);
  });
});
