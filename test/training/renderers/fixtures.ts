import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lastValueFrom } from 'rxjs';
import { type Tokenizer, loadTokenizer } from '../../../src/tokenizer/index.js';
import {
  type ChatRenderer,
  type Message,
  type RendererName,
  type RendererOptions,
  chatRenderer,
} from '../../../src/training/renderers/index.js';

interface Rendered {
  readonly text: string;
  readonly tokens: number[];
}

/** A conversation, and what the published chat template of a family makes of it. */
export interface ChatCase {
  readonly renderer: RendererName;
  readonly tokenizer: string;
  readonly options: RendererOptions;
  readonly title: string;
  readonly messages: readonly Message[];
  readonly conversation: Rendered;
  /** Of all messages but the last. */
  readonly prompt: Rendered;
}

const folder = new URL('../../fixtures/chat/', import.meta.url);

export const chatCases = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as readonly ChatCase[];

export function chatTokenizer(name: string): Promise<Tokenizer> {
  return lastValueFrom(loadTokenizer(fileURLToPath(new URL(`${name}.json`, folder))));
}

/** A renderer with the tokenizer of its family. */
export async function rendererOf(name: RendererName, options: RendererOptions = {}): Promise<ChatRenderer> {
  const { tokenizer = 'llama3' } = chatCases.find(({ renderer }) => renderer === name) ?? {};
  return chatRenderer(name, await chatTokenizer(tokenizer), options);
}
