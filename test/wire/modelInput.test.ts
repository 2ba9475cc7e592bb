import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { firstValueFrom, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { modelInputJson } from '../../src/wire/codec.js';
import { ModelInput } from '../../src/wire/modelInput.js';
import type { ModelInputChunk } from '../../src/wire/modelInputChunk.js';

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

describe('images and audio in a ModelInput', () => {
  const text = { type: 'encoded_text', tokens: Int32Array.of(1, 2) } as const;
  const image = { type: 'image', data: Uint8Array.of(137, 80, 78), format: 'png', expectedTokens: 64 } as const;
  const pointer = { type: 'image_asset_pointer', location: 'https://x.invalid/a.jpg', format: 'jpeg' } as const;
  /** Of two axes, the first of 300: in two bytes. */
  const audio = { type: 'dmel', dmel: Uint8Array.of(254, 3, 2, 0xac, 0x02, 80) } as const;

  it('count as they say, or as their head says', () => {
    expect(new ModelInput([text, image, audio]).length).toBe(2 + 64 + 300);
    const unknown = new ModelInput([text, pointer]);
    expect(unknown.knownLength).toBeUndefined();
    expect(() => unknown.length).toThrow(/expectedTokens/);
    expect(() => new ModelInput([image]).tokens()).toThrow(/text alone, got "a chunk of type image"/);
  });

  it('are written as base64 in JSON', () => {
    const large = { ...image, data: Uint8Array.from({ length: 100_000 }, (_, at) => at % 251) };
    const { chunks } = JSON.parse(modelInputJson(new ModelInput([text, image, pointer, audio, large]))) as {
      chunks: { data: string }[];
    };
    expect(chunks.slice(0, 4)).toEqual([
      { type: 'encoded_text', tokens: [1, 2] },
      { type: 'image', data: 'iVBO', format: 'png', expected_tokens: 64 },
      { type: 'image_asset_pointer', location: 'https://x.invalid/a.jpg', format: 'jpeg' },
      { type: 'dmel', dmel: '/gMCrAJQ' },
    ]);
    expect(Buffer.from(chunks[4]?.data ?? '', 'base64').equals(large.data)).toBe(true);
  });

  it.each<[string, unknown, RegExp]>([
    ['of another type', { type: 'video' }, /as the type of chunks\[0\], got "video"/],
    ['of another format', { ...image, format: 'gif' }, /png or jpeg/],
    ['as text', { ...image, data: 'iVBO' }, /Uint8Array as data/],
    ['of half a token', { ...image, expectedTokens: 0.5 }, /expectedTokens/],
    ['without a place', { ...pointer, location: 7 }, /location/],
    ['that are no tensor', { type: 'dmel', dmel: Uint8Array.of(9, 1, 1) }, /at least one axis/],
    ['that end early', { type: 'dmel', dmel: Uint8Array.of(1, 2, 0x80) }, /at least one axis/],
    ['without an axis', { type: 'dmel', dmel: Uint8Array.of(1, 0) }, /at least one axis/],
  ])('%s are refused', (_, chunk, message) => {
    expect(() => new ModelInput([chunk as ModelInputChunk])).toThrow(message);
  });
});
