import type { ChatFormat } from '../chatFormat.js';
import type { Message } from '../message.js';

/**
 * Plain roles, for models without special tokens: `User: Hi⏎⏎Assistant: Hello⏎⏎User:`.
 *
 * The assistant writes the user's name behind its answer: that ends a sample, and so the model has to learn it.
 */
export const roleColon: ChatFormat = {
  roles: ['system', 'user', 'assistant'],
  render: (messages, purpose) =>
    messages.map(({ role, content }, index) => {
      const before = messages[index - 1];
      const named = before?.role === 'assistant' && role === 'user';
      const header = named ? '' : `${names[role]}:`;
      if (role !== 'assistant') return { header, output: ` ${content}\n\n` };
      const next = messages[index + 1]?.role ?? (purpose === 'training' ? 'user' : 'assistant');
      return { header, output: ` ${content}\n\n${next === 'user' ? names.user + ':' : ''}` };
    }),
  generationHeader: 'Assistant:',
  stopTokens: [],
  stopTexts: ['\n\nUser:'],
  parse: (text) => ({ role: 'assistant', content: text.trim() }),
};

const names: Readonly<Record<Message['role'], string>> = {
  system: 'System',
  developer: 'Developer',
  user: 'User',
  assistant: 'Assistant',
  tool: 'Tool',
};
