import { invalidArgument } from '../../errors.js';
import type { ChatFormat } from './chatFormat.js';
import { chatMl } from './formats/chatMl.js';
import { type ReasoningEffort, gptOss } from './formats/gptOss.js';
import { llama3 } from './formats/llama3.js';
import { qwen3 } from './formats/qwen3.js';
import { roleColon } from './formats/roleColon.js';

/** Settings of a renderer. */
export interface RendererOptions {
  /** What the system message says is today: of `gpt_oss` (default: nothing) and `llama3_1` (default: 26 Jul 2024). */
  readonly currentDate?: string;
  /** How long `gpt_oss` thinks; default: medium. */
  readonly reasoningEffort?: ReasoningEffort;
}

const formats = {
  llama3: () => llama3(),
  llama3_1: ({ currentDate = '26 Jul 2024' }) => llama3(currentDate),
  qwen3: () => qwen3({ thinking: true }),
  qwen3_disable_thinking: () => qwen3({ thinking: false }),
  qwen3_instruct: () => chatMl(),
  chatml: () => chatMl(),
  smollm2: () => chatMl('You are a helpful AI assistant named SmolLM, trained by Hugging Face'),
  gpt_oss: ({ reasoningEffort = 'medium', currentDate }) => gptOss(reasoningEffort, currentDate),
  role_colon: () => roleColon,
} as const satisfies Record<string, (options: RendererOptions) => ChatFormat>;

/**
 * Names of the renderers: `llama3` and `llama3_1` (3.1 to 3.3), `qwen3` that thinks and `qwen3_disable_thinking` that
 * does not, `qwen3_instruct` (of July 2025), `chatml`, `smollm2`, `gpt_oss`, and `role_colon` for models without special
 * tokens.
 */
export type RendererName = keyof typeof formats;

/** All names of renderers. */
export const rendererNames = Object.keys(formats) as readonly RendererName[];

/** @throws TinkerError `invalid_argument` */
export function chatFormat(name: RendererName, options: RendererOptions): ChatFormat {
  if (!Object.hasOwn(formats, name)) throw invalidArgument(`a renderer out of ${rendererNames.join(', ')}`, name);
  return formats[name](options);
}

/**
 * The renderer that a model was trained with, by its name; `role_colon` for base models and those it does not know.
 *
 * @example
 * recommendedRenderer('Qwen/Qwen3-8B'); // 'qwen3'
 */
export function recommendedRenderer(modelName: string): RendererName {
  const known = byModelName.find(([pattern]) => pattern.test(modelName));
  return known?.[1] ?? 'role_colon';
}

const byModelName: readonly (readonly [RegExp, RendererName])[] = [
  [/gpt-oss/i, 'gpt_oss'],
  [/[-_]base$/i, 'role_colon'],
  [/qwen3.*instruct/i, 'qwen3_instruct'],
  [/qwen3(?![.\d])/i, 'qwen3'],
  [/smollm2.*instruct/i, 'smollm2'],
  [/smollm.*instruct/i, 'chatml'],
  [/llama-3\.[1-3].*instruct/i, 'llama3_1'],
  [/llama-3-.*instruct/i, 'llama3'],
];
