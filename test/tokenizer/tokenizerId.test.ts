import { expect, test } from 'vitest';
import { pinnedRevision, tokenizerId } from '../../src/tokenizer/index.js';

const llama3 = 'thinkingmachineslabinc/meta-llama-3-instruct-tokenizer';

test.each([
  ['Qwen/Qwen3-8B', 'Qwen/Qwen3-8B'],
  ['Qwen/Qwen3-8B:variant', 'Qwen/Qwen3-8B'],
  ['gpt2', 'gpt2'],
  ['organisation/model/part', 'organisation/model'],
  ['organisation/model/part:variant', 'organisation/model'],
  ['a/b/c/d', 'a/b/c/d'],
  ['meta-llama/Llama-3.1-8B', llama3],
  ['meta-llama/Llama-3.2-1B:variant', llama3],
  ['meta-llama/Llama-2-7b', 'meta-llama/Llama-2-7b'],
  ['moonshotai/Kimi-K2.5-Text-Only', 'moonshotai/Kimi-K2.5'],
])('%s → %s', (modelName, id) => {
  expect(tokenizerId(modelName)).toBe(id);
});

test('what the server says comes first, up to its colon', () => {
  expect(tokenizerId('meta-llama/Llama-3.1-8B', { tokenizerId: 'some/tokenizer:x' })).toBe('some/tokenizer');
  expect(tokenizerId('gpt2', { tokenizerId: 'a/b/c' })).toBe('a/b/c');
});

test.each([undefined, null, ''])('a server that says %j leaves it to the name', (given) => {
  expect(tokenizerId('meta-llama/Llama-3.1-8B', { tokenizerId: given })).toBe(llama3);
});

test.each([['TML/model'], ['thinkingmachines/model'], ['thinkingmachines/model/part'], ['gpt2', 'TML/model']])(
  'a tokenizer that exists in Python only is named: %s %s',
  (modelName, given?: string) => {
    expect(() => tokenizerId(modelName, { tokenizerId: given })).toThrow(
      expect.objectContaining({
        code: 'tokenizer_unavailable',
        message: expect.stringMatching(/tml-renderers.*tml_tokenizers/) as string,
      }),
    );
  },
);

test.each(['', undefined, 7])('refuses %j as a name', (name) => {
  expect(() => tokenizerId(name as string)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});

test('pins the revisions that the service uses', () => {
  expect(pinnedRevision('moonshotai/Kimi-K2-Thinking')).toBe('612681931a8c906ddb349f8ad0f582cb552189cd');
  expect(pinnedRevision(tokenizerId('moonshotai/Kimi-K2.5-Text-Only'))).toBe(
    '4d01dfe0332d63057c186e0b262165819efb6611',
  );
  expect(pinnedRevision('moonshotai/Kimi-K2.6')).toBe('b5aabbfb20227ed42becbf5541dbffd213942c58');
  expect(pinnedRevision('moonshotai/Kimi-K3')).toBe('f831ab66814297da540d832a5235f8e904f29d06');
  expect(pinnedRevision('Qwen/Qwen3-8B')).toBeUndefined();
});
