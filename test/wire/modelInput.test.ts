import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ModelInput } from '../../src/wire/modelInput.js';

const token = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('ModelInput', () => {
  it('keeps an Int32Array without a copy', () => {
    const tokens = Int32Array.of(1, 2, 3);
    const input = ModelInput.fromTokens(tokens);
    expect(input.tokens()).toBe(tokens);
    expect(input.length).toBe(3);
  });

  it('gives back the tokens of number arrays, in one chunk or several', () => {
    fc.assert(
      fc.property(fc.array(fc.array(token)), (parts) => {
        const input = new ModelInput(parts.flatMap((part) => ModelInput.fromTokens(part).chunks));
        expect([...input.tokens()]).toEqual(parts.flat());
        expect(input.length).toBe(parts.flat().length);
      }),
    );
  });

  it.each([-1, 2 ** 31, 1.5, NaN, '7'])('refuses %s as a token', (wrong) => {
    expect(() => ModelInput.fromTokens([0, wrong as number])).toThrow(
      /Expected tokens to be integers from 0 to 2147483647, got .* at position 1\./,
    );
  });

  it('refuses a negative token in an Int32Array, and what is no array', () => {
    expect(() => ModelInput.fromTokens(Int32Array.of(-5))).toThrow('got -5 at position 0');
    expect(() => ModelInput.fromTokens('abc' as never)).toThrow('Expected tokens as an Int32Array');
  });

  it('encodes text by a client or a tokenizer, at the subscription', async () => {
    const asked: string[] = [];
    const encode = (text: string) => {
      asked.push(text);
      return Array.from(text, (letter) => letter.charCodeAt(0));
    };
    const byTokenizer = ModelInput.fromText('abc', { tokenizer: { encode } });
    expect(asked).toEqual([]);
    expect([...(await firstValueFrom(byTokenizer)).tokens()]).toEqual([97, 98, 99]);
    const byClient = ModelInput.fromText('ab', { training: { encode: (text) => of(encode(text)) } });
    expect((await firstValueFrom(byClient)).length).toBe(2);
    expect(asked).toEqual(['abc', 'ab']);
  });

  it('refuses to guess a tokenizer', () => {
    const wrong = 'Expected one of training, tokenizer and modelName to encode text with, got an empty object.';
    expect(() => ModelInput.fromText('a', {} as never)).toThrow(wrong);
    expect(() => ModelInput.fromText('a', { modelName: '' })).toThrow('Expected the name of a model, got "".');
    expect(() => ModelInput.fromText(7 as never, { modelName: 'm' })).toThrow('Expected text as a string, got 7.');
  });

  it('loads the tokenizer of a named model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rxtinker-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const model = { type: 'WordLevel', vocab: { a: 0, b: 1, '[UNK]': 2 }, unk_token: '[UNK]' };
    const file = {
      version: '1.0',
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: 'Whitespace' },
      post_processor: null,
      decoder: null,
      model,
    };
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(file));
    const input = await firstValueFrom(ModelInput.fromText('b a b', { modelName: join(folder, 'tokenizer.json') }));
    expect([...input.tokens()]).toEqual([1, 0, 1]);
  });

  it('passes on the error of a tokenizer', async () => {
    const encode = () => {
      throw new Error('no such tokenizer');
    };
    const input = ModelInput.fromText('a', { tokenizer: { encode } });
    await expect(firstValueFrom(input)).rejects.toThrow('no such tokenizer');
  });
});
