import { describe, invalidArgument } from '../../errors.js';

/** Who speaks. */
export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';

/** One message of a conversation. */
export interface Message {
  readonly role: Role;
  /** What is said; calls of tools are written into it as the model writes them. */
  readonly content: string;
  /** What the model thought before it answered; only the renderers of models that think write it. */
  readonly thinking?: string;
  /** Whether to train on it, where the mode is `customized`. */
  readonly trainable?: boolean;
}

/** @throws TinkerError `invalid_argument` for anything but a list of messages in these roles */
export function checkMessages(messages: readonly Message[], roles: readonly Role[], renderer: string): void {
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalidArgument('messages as an array of at least one', messages);
  messages.forEach((message: unknown, index) => {
    const { role, content, thinking } = fieldsOf(message);
    const place = `messages[${index}]`;
    if (!roles.some((known) => known === role))
      throw invalidArgument(`${place}.role to be one of ${roles.join(', ')} for ${renderer}`, role);
    if (typeof content !== 'string') throw invalidArgument(`${place}.content as a string`, content);
    if (thinking !== undefined && typeof thinking !== 'string')
      throw invalidArgument(`${place}.thinking as a string`, thinking);
  });
}

function fieldsOf(message: unknown): { role?: unknown; content?: unknown; thinking?: unknown } {
  if (typeof message === 'object' && message !== null) return message;
  throw invalidArgument('each message as { role, content }', describe(message));
}
