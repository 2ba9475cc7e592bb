import { invalidArgument, TinkerError } from '../errors.js';

/** Revisions that the service itself uses, where the newest one may differ. */
const pinnedRevisions: ReadonlyMap<string, string> = new Map([
  ['moonshotai/Kimi-K2-Thinking', '612681931a8c906ddb349f8ad0f582cb552189cd'],
  ['moonshotai/Kimi-K2.5', '4d01dfe0332d63057c186e0b262165819efb6611'],
  ['moonshotai/Kimi-K2.6', 'b5aabbfb20227ed42becbf5541dbffd213942c58'],
  ['moonshotai/Kimi-K3', 'f831ab66814297da540d832a5235f8e904f29d06'],
]);

/** Models that share another model's tokenizer. */
const aliases: ReadonlyMap<string, string> = new Map([['moonshotai/Kimi-K2.5-Text-Only', 'moonshotai/Kimi-K2.5']]);

/**
 * The id of a model's tokenizer on the Hugging Face hub.
 *
 * What the server says comes first (`info.tokenizerId`, known for a model in training); otherwise the id follows from
 * the name: Llama 3 models, which are gated, have an open copy, and a name of three parts is cut to two.
 *
 * @throws TinkerError `invalid_argument` for an empty name, `tokenizer_unavailable` for a model whose tokenizer exists
 *   in Python only
 * @example
 * tokenizerId('Qwen/Qwen3-8B:variant'); // 'Qwen/Qwen3-8B'
 */
export function tokenizerId(
  modelName: string,
  info: { readonly tokenizerId?: string | null | undefined } = {},
): string {
  if (typeof modelName !== 'string' || modelName === '') throw invalidArgument('the name of a model', modelName);
  const given = beforeColon(info.tokenizerId ?? '');
  const id = given === '' ? idByName(beforeColon(modelName)) : given;
  if (id.startsWith('TML/') || id.startsWith('thinkingmachines/')) {
    throw new TinkerError(
      'tokenizer_unavailable',
      `The tokenizer of ${modelName} (${id}) is only in the Python package tml-renderers, as tml_tokenizers. ` +
        'Encode there and pass tokens, or pass a tokenizer of your own.',
    );
  }
  return aliases.get(id) ?? id;
}

/** The revision of a tokenizer that is known to work, if it is not simply the newest. */
export function pinnedRevision(id: string): string | undefined {
  return pinnedRevisions.get(id);
}

function beforeColon(name: string): string {
  return name.split(':', 1)[0] ?? name;
}

function idByName(name: string): string {
  if (name.startsWith('meta-llama/Llama-3')) return 'thinkingmachineslabinc/meta-llama-3-instruct-tokenizer';
  const parts = name.split('/');
  return parts.length === 3 ? parts.slice(0, 2).join('/') : name;
}
