import type { ChatFormat, RenderedMessage } from '../chatFormat.js';
import type { Message } from '../message.js';

/** `<|im_start|>user⏎Hi<|im_end|>⏎`, each message alike; a conversation without a system message gets the default one. */
export function chatMl(defaultSystem?: string): ChatFormat {
  return {
    roles: ['system', 'user', 'assistant', 'tool'],
    render: (messages) => {
      const system: readonly Message[] =
        defaultSystem === undefined || messages[0]?.role === 'system'
          ? []
          : [{ role: 'system', content: defaultSystem }];
      const before = system.map(({ role, content }) => `${chatMlHeader(role)}${content}<|im_end|>\n`).join('');
      return messages.map((message, index) => {
        const rendered = chatMlMessage(messages, index, message.content);
        return index === 0 ? { ...rendered, header: before + rendered.header } : rendered;
      });
    },
    generationHeader: chatMlHeader('assistant'),
    stopTokens: ['<|im_end|>'],
    parse: (text) => ({ role: 'assistant', content: text }),
  };
}

export const chatMlHeader = (role: Message['role']): string => `<|im_start|>${role}\n`;

/** One message; answers of tools that follow each other are one message of the user. */
export function chatMlMessage(messages: readonly Message[], index: number, content: string): RenderedMessage {
  const role = messages[index]?.role ?? 'user';
  if (role !== 'tool') return { header: chatMlHeader(role), output: `${content}<|im_end|>`, footer: '\n' };
  const first = messages[index - 1]?.role !== 'tool';
  const last = messages[index + 1]?.role !== 'tool';
  return {
    header: `${first ? '<|im_start|>user' : ''}\n<tool_response>\n`,
    output: `${content}\n</tool_response>${last ? '<|im_end|>' : ''}`,
    footer: last ? '\n' : '',
  };
}
