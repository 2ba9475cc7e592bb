import { describe, expect, test } from 'vitest';
import { TinkerError } from '../../../src/errors.js';
import {
  type Message,
  type RendererName,
  type TrainOn,
  chatRenderer,
  recommendedRenderer,
  rendererNames,
} from '../../../src/training/renderers/index.js';
import { chatCases, chatTokenizer, rendererOf } from './fixtures.js';

const messages: readonly Message[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'What is 1 + 1?' },
  { role: 'assistant', content: '2', trainable: true },
  { role: 'user', content: 'And 2 + 2?' },
  { role: 'assistant', content: '4' },
];

/** The texts of the runs of tokens that are trained on. */
async function trainedTexts(name: RendererName, trainOn: TrainOn, given = messages): Promise<string[]> {
  const tokenizer = await chatTokenizer(chatCases.find(({ renderer }) => renderer === name)?.tokenizer ?? 'llama3');
  const { modelInput, weights } = chatRenderer(name, tokenizer).conversation(given, trainOn);
  expect(weights).toHaveLength(modelInput.length);
  const runs: number[][] = [];
  modelInput.tokens().forEach((token, index) => {
    if (weights[index] !== 1) return;
    if (weights[index - 1] !== 1) runs.push([]);
    runs.at(-1)?.push(token);
  });
  return runs.map((run) => tokenizer.decode(run));
}

describe('what is trained on', () => {
  const chatml: Readonly<Record<TrainOn, readonly string[]>> = {
    last_assistant_message: ['4<|im_end|>'],
    last_assistant_turn: ['4<|im_end|>'],
    all_assistant_messages: ['2<|im_end|>', '4<|im_end|>'],
    all_user_and_system_messages: ['Be brief.<|im_end|>', 'What is 1 + 1?<|im_end|>', 'And 2 + 2?<|im_end|>'],
    all_messages: [
      'Be brief.<|im_end|>',
      'What is 1 + 1?<|im_end|>',
      '2<|im_end|>',
      'And 2 + 2?<|im_end|>',
      '4<|im_end|>',
    ],
    all_tokens: [
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n' +
        '2<|im_end|>\n<|im_start|>user\nAnd 2 + 2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n',
    ],
    customized: ['2<|im_end|>'],
  };

  test.each(Object.entries(chatml) as [TrainOn, string[]][])('%s', async (trainOn, texts) => {
    expect(await trainedTexts('chatml', trainOn)).toEqual(texts);
  });

  test('a turn is all that the assistant says after the user', async () => {
    const two: Message[] = [...messages, { role: 'assistant', content: 'Yes, 4.' }];
    expect(await trainedTexts('chatml', 'last_assistant_turn', two)).toEqual(['4<|im_end|>', 'Yes, 4.<|im_end|>']);
  });

  test('each format trains on the end of an answer', async () => {
    const texts = (name: RendererName) => trainedTexts(name, 'all_assistant_messages');
    expect(await texts('llama3')).toEqual(['2<|eot_id|>', '4<|eot_id|>']);
    expect(await texts('gpt_oss')).toEqual([
      '<|channel|>final<|message|>2<|end|>',
      '<|channel|>final<|message|>4<|return|>',
    ]);
    expect(await texts('role_colon')).toEqual([' 2\n\nUser:', ' 4\n\nUser:']);
    expect(await texts('qwen3')).toEqual(['2<|im_end|>', '<think>\n\n</think>\n\n4<|im_end|>']);
    expect(await texts('qwen3_disable_thinking')).toEqual(['2<|im_end|>', '4<|im_end|>']);
  });

  test('a token over the border of header and message counts as the message', async () => {
    const given: Message[] = [
      { role: 'user', content: '\n\nHi' },
      { role: 'assistant', content: 'x' },
    ];
    const [first = ''] = await trainedTexts('chatml', 'all_messages', given);
    expect(first.trimStart()).toBe('Hi<|im_end|>');
  });
});

describe('training and sampling agree', () => {
  // An older answer loses its thought once another follows; a model that does not think is asked otherwise.
  const same = chatCases.filter(
    ({ renderer, title }) =>
      !(renderer === 'qwen3' && title === 'two answers in a row') &&
      !(renderer === 'qwen3_disable_thinking' && /two answers|thoughts|tools/.test(title)),
  );

  test.each(same)('$renderer, $title: prompt, then the trained tokens, which parse to the message', async (given) => {
    const renderer = await rendererOf(given.renderer, given.options);
    const prompt = Array.from(renderer.generationPrompt(given.messages.slice(0, -1)).tokens());
    const { modelInput, weights } = renderer.conversation(given.messages);
    const tokens = Array.from(modelInput.tokens());
    expect(tokens.slice(0, prompt.length)).toEqual(prompt);
    const first = weights.indexOf(1);
    expect(first).toBe(prompt.length);
    const answer = tokens.slice(first, weights.lastIndexOf(1) + 1);

    const { message, complete } = renderer.parseResponse(answer);
    const wanted = given.messages.at(-1);
    expect(complete).toBe(true);
    expect(message.role).toBe('assistant');
    const thinks = given.renderer === 'qwen3' || given.renderer === 'gpt_oss';
    if (given.title !== 'thoughts in the content') expect(message.content).toBe(wanted?.content);
    else expect(message.content).toBe(thinks ? 'No.' : '<think>\nNo doubt.\n</think>\n\nNo.');
    if (thinks && wanted?.thinking !== undefined) expect(message.thinking?.trim()).toBe(wanted.thinking.trim());
  });
});

describe('parsing a response', () => {
  test('says where it was cut off', async () => {
    const renderer = await rendererOf('chatml');
    const tokenizer = await chatTokenizer('qwen3');
    expect(renderer.parseResponse(tokenizer.encode('So it'))).toEqual({
      message: { role: 'assistant', content: 'So it' },
      complete: false,
    });
  });

  test('leaves out what comes behind the end', async () => {
    const renderer = await rendererOf('role_colon');
    const tokenizer = await chatTokenizer('llama3');
    const { message, complete } = renderer.parseResponse(tokenizer.encode(' Hello\n\nthere\n\nUser: Hi'));
    expect(message.content).toBe('Hello\n\nthere');
    expect(complete).toBe(true);
  });

  test('reads a thought that was cut off as text', async () => {
    const renderer = await rendererOf('qwen3');
    const tokenizer = await chatTokenizer('qwen3');
    const { message } = renderer.parseResponse(tokenizer.encode('<think>\nHm'));
    expect(message).toEqual({ role: 'assistant', content: '<think>\nHm' });
  });

  test('keeps channels of gpt-oss apart', async () => {
    const renderer = await rendererOf('gpt_oss');
    const tokenizer = await chatTokenizer('gpt_oss');
    const text =
      '<|channel|>analysis<|message|>a < b<|end|><|start|>assistant<|channel|>final<|message|>Yes: a < b<|return|>';
    expect(renderer.parseResponse(tokenizer.encode(text))).toEqual({
      message: { role: 'assistant', content: 'Yes: a < b', thinking: 'a < b' },
      complete: true,
    });
  });
});

describe('a datum', () => {
  test('predicts each token from those before', async () => {
    const renderer = await rendererOf('llama3');
    const { modelInput, weights } = renderer.conversation(messages, 'all_assistant_messages');
    const datum = renderer.datum(messages, { trainOn: 'all_assistant_messages' });
    expect(datum.modelInput.tokens()).toEqual(modelInput.tokens().slice(0, -1));
    expect(datum.lossFnInputs?.targetTokens).toEqual(modelInput.tokens().slice(1));
    expect(datum.lossFnInputs?.weights).toEqual(weights.slice(1));
  });

  test('is cut off at maxLength, unless nothing to train on is left', async () => {
    const renderer = await rendererOf('llama3');
    const long: Message[] = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'word '.repeat(100) },
    ];
    expect(renderer.datum(long, { maxLength: 50 }).modelInput).toHaveLength(49);
    expect(() => renderer.datum(long, { maxLength: 4 })).toThrow(/Expected a token to train on, got .* first 4 of/);
    expect(() => renderer.datum(long, { maxLength: 1 })).toThrow(/maxLength to be ≥ 2/);
  });
});

describe('refusals', () => {
  const failures: readonly [string, (chat: Awaited<ReturnType<typeof rendererOf>>) => unknown, RegExp][] = [
    ['no messages', (chat) => chat.generationPrompt([]), /messages as an array of at least one, got an empty array/],
    [
      'a role of another format',
      (chat) => chat.generationPrompt([{ role: 'tool', content: 'x' }]),
      /messages\[0\]\.role to be one of system, developer, user, assistant for gpt_oss, got "tool"/,
    ],
    [
      'a system message that is not the first',
      (chat) => chat.generationPrompt([...messages, { role: 'system', content: 'x' }]),
      /the system message to be the first/,
    ],
    [
      'nothing to train on',
      (chat) => chat.conversation(messages.slice(0, 2)),
      /a message to train on under last_assistant_message, got "2 messages by system, user"/,
    ],
    [
      'a content that is no text',
      (chat) => chat.generationPrompt([JSON.parse('{"role":"user","content":1}') as Message]),
      /messages\[0\]\.content as a string, got 1/,
    ],
  ];

  test.each(failures)('%s', async (_, call, message) => {
    const renderer = await rendererOf('gpt_oss');
    expect(() => call(renderer)).toThrow(message);
    expect(() => call(renderer)).toThrow(TinkerError);
  });

  test('a tokenizer without the special tokens', async () => {
    const tokenizer = await chatTokenizer('llama3');
    expect(() => chatRenderer('chatml', tokenizer)).toThrow(/special token <\|im_end\|> for the renderer chatml/);
  });

  test('an unknown name', async () => {
    const tokenizer = await chatTokenizer('llama3');
    expect(() => chatRenderer('gemma' as RendererName, tokenizer)).toThrow(`out of ${rendererNames.join(', ')}`);
  });
});

test.each([
  ['Qwen/Qwen3-8B', 'qwen3'],
  ['Qwen/Qwen3-8B-Base', 'role_colon'],
  ['Qwen/Qwen3-30B-A3B-Instruct-2507', 'qwen3_instruct'],
  ['meta-llama/Llama-3.1-8B', 'role_colon'],
  ['meta-llama/Llama-3.3-70B-Instruct', 'llama3_1'],
  ['meta-llama/Meta-Llama-3-8B-Instruct', 'llama3'],
  ['openai/gpt-oss-20b', 'gpt_oss'],
  ['HuggingFaceTB/SmolLM2-135M-Instruct', 'smollm2'],
  ['rxtinker/tiny', 'role_colon'],
])('%s is rendered by %s', (model, name) => {
  expect(recommendedRenderer(model)).toBe(name);
});
