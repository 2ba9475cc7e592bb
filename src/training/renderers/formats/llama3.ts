import type { ChatFormat } from '../chatFormat.js';

/**
 * `<|start_header_id|>user<|end_header_id|>⏎⏎Hi<|eot_id|>`.
 *
 * @param date - What the system message says is today, as Llama 3.1 to 3.3 want it; without it the format of Llama 3.
 */
export function llama3(date?: string): ChatFormat {
  const header = (role: string): string => `<|start_header_id|>${role}<|end_header_id|>\n\n`;
  const dates = date === undefined ? '' : `Cutting Knowledge Date: December 2023\nToday Date: ${date}\n\n`;
  return {
    roles: ['system', 'user', 'assistant'],
    render: (messages) =>
      messages.map(({ role, content }, index) => {
        const begin = index === 0 ? '<|begin_of_text|>' : '';
        const system = index > 0 || dates === '' ? '' : header('system') + dates;
        const own = system !== '' && role === 'system' ? system : system + (system && '<|eot_id|>') + header(role);
        return { header: begin + own, output: `${content.trim()}<|eot_id|>` };
      }),
    generationHeader: header('assistant'),
    stopTokens: ['<|eot_id|>'],
    parse: (text) => ({ role: 'assistant', content: text }),
  };
}
