import { createInterface } from 'node:readline/promises';
import { text as readAll } from 'node:stream/consumers';
import type { SamplingClient } from '../../clients/sampling.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import {
  type ChatRenderer,
  type Message,
  type RendererName,
  chatRenderer,
  recommendedRenderer,
} from '../../training/renderers/index.js';
import { ModelInput, type SampleOutput } from '../../wire/index.js';
import type { CommandContext } from '../commandContext.js';
import { Interrupted } from '../interrupted.js';
import { openSampling } from '../openSampling.js';
import { type ServerOptions, openServer } from '../openServer.js';
import { style } from '../output/style.js';
import { endOfText } from '../training/example.js';
import { UsageError } from '../usageError.js';

interface SampleOptions extends ServerOptions {
  readonly model: string;
  readonly chat?: boolean;
  readonly system?: string;
  readonly numSamples: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly renderer?: RendererName;
}

/** Lets a model write: after a prompt, or in a conversation. */
export async function run(context: CommandContext, options: SampleOptions, words: readonly string[]): Promise<void> {
  if (options.system !== undefined && options.chat !== true) throw new UsageError('Expected --system with --chat.');
  const talks = options.chat === true && words.length === 0 && context.stdin.isTTY === true;
  const prompt = words.length > 0 || talks ? words.join(' ') : (await readAll(context.stdin)).trimEnd();
  if (prompt === '' && !talks) throw new UsageError('Expected a prompt, as an argument or in the input.');
  await using service = await openServer(context, options);
  const sampling = await openSampling(context, service, options.model);
  const tokenizer = await context.wait(sampling.getTokenizer());
  if (options.chat !== true) {
    await write(context, sampling, tokenizer, options, prompt);
    return;
  }
  const chat = new Chat(context, sampling, tokenizer, options);
  if (talks) await chat.talk();
  else await chat.answer(prompt);
}

/** Writes samples that go on after a prompt. */
async function write(
  context: CommandContext,
  sampling: SamplingClient,
  tokenizer: Tokenizer,
  options: SampleOptions,
  prompt: string,
): Promise<void> {
  const input = ModelInput.fromTokens(tokenizer.encode(prompt));
  const { sequences } = await sample(context, sampling, input, options, options.stop);
  const end = endOfText(tokenizer);
  const samples = sequences.map(({ tokens, stopReason }) => {
    const own = end.length > 0 && tokens.at(-1) === end[0] ? tokens.subarray(0, -1) : tokens;
    return { text: tokenizer.decode(own), stop_reason: stopReason, tokens: tokens.length };
  });
  const shown = samples.map(({ text }, index) => {
    const title = samples.length === 1 ? '' : `${style(context.stdout, 'dim', `── sample ${index + 1}`)}\n`;
    return `${title}${style(context.stdout, 'bold', prompt)}${text}`;
  });
  context.print({ model: options.model, prompt, samples }, shown.join('\n'));
}

function sample(
  context: CommandContext,
  sampling: SamplingClient,
  prompt: ModelInput,
  options: SampleOptions,
  stop: readonly string[] | readonly number[] | undefined,
): Promise<SampleOutput> {
  const { numSamples, maxTokens, temperature, topP, seed } = options;
  return context.wait(
    sampling.sample({
      prompt,
      numSamples,
      samplingParams: {
        ...{ maxTokens, temperature, topP },
        ...(seed !== undefined && { seed }),
        ...(stop !== undefined && { stop }),
      },
    }),
  );
}

/** A conversation with a model. */
class Chat {
  private readonly renderer: ChatRenderer;
  private readonly messages: Message[];

  constructor(
    private readonly context: CommandContext,
    private readonly sampling: SamplingClient,
    tokenizer: Tokenizer,
    private readonly options: SampleOptions,
  ) {
    this.renderer = chatRenderer(options.renderer ?? recommendedRenderer(sampling.baseModel), tokenizer);
    this.messages = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  }

  /** Answers what a user says; the first answer is what the conversation goes on with. */
  async answer(content: string): Promise<void> {
    const { context, renderer, messages, options } = this;
    messages.push({ role: 'user', content });
    const { sequences } = await sample(
      context,
      this.sampling,
      renderer.generationPrompt(messages),
      options,
      options.stop ?? renderer.stop,
    );
    const answers = sequences.map(({ tokens }) => renderer.parseResponse(tokens));
    const [first] = answers;
    if (first !== undefined) messages.push(first.message);
    context.print(
      { model: options.model, messages, samples: answers },
      answers.map(({ message }) => message.content.trim()).join('\n'),
    );
  }

  /** Goes on until the input ends. */
  async talk(): Promise<void> {
    const { stdin, signal } = this.context;
    const lines = createInterface({ input: stdin, output: process.stderr });
    lines.on('SIGINT', () => {
      lines.close();
    });
    signal.addEventListener('abort', () => {
      lines.close();
    });
    this.context.notice('Say something; Ctrl-D ends the conversation.');
    lines.setPrompt('> ');
    lines.prompt();
    for await (const line of lines) {
      if (line.trim() !== '') await this.answer(line);
      lines.prompt();
    }
    if (signal.aborted) throw new Interrupted(signal.reason);
  }
}
