import type { ChatFormat } from '../chatFormat.js';
import type { Message } from '../message.js';
import { chatMlHeader, chatMlMessage } from './chatMl.js';

/**
 * ChatML with thoughts in `<think>`: shown in what follows the user's last message, dropped from older messages.
 *
 * With `thinking: false` the empty thought is the header's, so that a model that does not think never writes it.
 */
export function qwen3({ thinking }: { readonly thinking: boolean }): ChatFormat {
  const noThought = '<think>\n\n</think>\n\n';
  return {
    roles: ['system', 'user', 'assistant', 'tool'],
    render: (messages) => {
      const lastQuery = messages.findLastIndex(({ role, content }) => role === 'user' && !isToolResponse(content));
      const lastShown = lastQuery < 0 ? messages.length - 1 : lastQuery;
      return messages.map((message, index) => {
        if (message.role !== 'assistant') return chatMlMessage(messages, index, message.content);
        const { thinking: thought = '', content } = splitThought(message);
        const shown = index > lastShown && (index === messages.length - 1 || thought !== '');
        if (!shown) return chatMlMessage(messages, index, content);
        const answer = content.replace(/^\n+/, '');
        if (!thinking && thought === '') {
          const rendered = chatMlMessage(messages, index, answer);
          return { ...rendered, header: rendered.header + noThought };
        }
        return chatMlMessage(messages, index, `<think>\n${trimLines(thought)}\n</think>\n\n${answer}`);
      });
    },
    generationHeader: chatMlHeader('assistant') + (thinking ? '' : noThought),
    stopTokens: ['<|im_end|>'],
    parse: (text) => splitThought({ role: 'assistant', content: text }),
  };
}

/** Takes a thought out of the content, unless it has a place of its own. */
function splitThought(message: Message): Message {
  const { content } = message;
  if (message.thinking !== undefined || !content.includes('</think>')) return message;
  const [before = '', ...after] = content.split('</think>');
  const thinking = trimLines(before.split('<think>').at(-1) ?? '');
  const answer = after.at(-1) ?? '';
  return {
    ...message,
    content: answer.replace(/^\n+/, ''),
    ...(thinking === '' ? {} : { thinking }),
  };
}

function isToolResponse(content: string): boolean {
  return content.startsWith('<tool_response>') && content.endsWith('</tool_response>');
}

const trimLines = (text: string): string => text.replace(/^\n+|\n+$/g, '');
