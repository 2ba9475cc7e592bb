import { invalidArgument } from '../../../errors.js';
import type { ChatFormat } from '../chatFormat.js';
import type { Message } from '../message.js';

/** How long gpt-oss thinks. */
export type ReasoningEffort = 'low' | 'medium' | 'high';

/**
 * Harmony: messages in channels, `<|start|>assistant<|channel|>final<|message|>Hi<|return|>`; thoughts are shown in the
 * last message only, and what others call the system message is the developer's.
 */
export function gptOss(effort: ReasoningEffort, date: string | undefined): ChatFormat {
  const system =
    '<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n' +
    `${date === undefined ? '' : `Current date: ${date}\n`}\nReasoning: ${effort}\n\n` +
    '# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>';
  const inChannel = (channel: string, text: string): string => `<|channel|>${channel}<|message|>${text}`;
  return {
    roles: ['system', 'developer', 'user', 'assistant'],
    render: (messages, purpose) =>
      messages.map(({ role, content, thinking }, index) => {
        const before = index === 0 ? system : '';
        if (role === 'user') return { header: `${before}<|start|>user<|message|>`, output: `${content}<|end|>` };
        if (role !== 'assistant') {
          if (index > 0) throw invalidArgument(`the ${role} message to be the first`, `it as messages[${index}]`);
          // An empty one is left out.
          if (content === '') return { header: before, output: '' };
          return {
            header: `${before}<|start|>developer<|message|># Instructions\n\n`,
            output: `${content}\n\n<|end|>`,
          };
        }
        const last = index === messages.length - 1 && purpose === 'training';
        const thought =
          last && thinking !== undefined ? `${inChannel('analysis', thinking)}<|end|><|start|>assistant` : '';
        return {
          header: `${before}<|start|>assistant`,
          output: thought + inChannel('final', content) + (last ? '<|return|>' : '<|end|>'),
        };
      }),
    generationHeader: '<|start|>assistant',
    stopTokens: ['<|return|>', '<|call|>'],
    parse: parseChannels,
  };
}

function parseChannels(text: string): Message {
  const found = [
    ...text.matchAll(/<\|channel\|>(\w+)[^<]*<\|message\|>([\s\S]*?)(?=<\|end\|>|<\|start\|>|<\|channel\|>|$)/g),
  ];
  if (found.length === 0) return { role: 'assistant', content: text };
  const of = (channel: string): string[] =>
    found.filter(([, name]) => name === channel).map(([, , content = '']) => content);
  const thinking = of('analysis').join('\n');
  return {
    role: 'assistant',
    content: [...of('commentary'), ...of('final')].join('\n'),
    ...(thinking === '' ? {} : { thinking }),
  };
}
