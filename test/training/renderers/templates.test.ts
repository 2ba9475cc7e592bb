import { describe, expect, test } from 'vitest';
import { rendererNames } from '../../../src/training/renderers/index.js';
import { chatCases, chatTokenizer, rendererOf } from './fixtures.js';

/** An assistant's message is encoded as it is sampled, apart from its header: white space at its start may differ. */
const startsWithSpace = /^\s/;

test('every renderer has cases', () => {
  expect(new Set(chatCases.map(({ renderer }) => renderer))).toEqual(new Set(rendererNames));
});

describe.each(chatCases)('$renderer, $title', ({ renderer: name, tokenizer: family, ...given }) => {
  test('a prompt has the tokens of the published template', async () => {
    const renderer = await rendererOf(name, given.options);
    const prompt = Array.from(renderer.generationPrompt(given.messages.slice(0, -1)).tokens());
    expect((await chatTokenizer(family)).decode(prompt)).toBe(given.prompt.text);
    expect(prompt).toEqual(given.prompt.tokens);
  });

  test('a conversation has the tokens of the published template', async () => {
    const renderer = await rendererOf(name, given.options);
    const tokens = Array.from(renderer.conversation(given.messages).modelInput.tokens());
    expect((await chatTokenizer(family)).decode(tokens)).toBe(given.conversation.text);
    if (given.messages.some(({ role, content }) => role === 'assistant' && startsWithSpace.test(content))) return;
    expect(tokens).toEqual(given.conversation.tokens);
  });
});
