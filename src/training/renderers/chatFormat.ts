import type { Message, Role } from './message.js';

/** A message as text. */
export interface RenderedMessage {
  /** What stands before it and is not the speaker's. */
  readonly header: string;
  /** What the speaker writes, its end included. */
  readonly output: string;
  /** What stands behind it and is not the speaker's. */
  readonly footer?: string;
}

/** How a family of models writes conversations. */
export interface ChatFormat {
  readonly roles: readonly Role[];
  /** The messages as text; for training the last one ends as a sample does. */
  render(messages: readonly Message[], purpose: 'training' | 'sampling'): readonly RenderedMessage[];
  /** Follows the messages where the assistant is to speak. */
  readonly generationHeader: string;
  /** Special tokens that end a sample, by name. */
  readonly stopTokens: readonly string[];
  /** Texts that end a sample, where the format has no special tokens. */
  readonly stopTexts?: readonly string[];
  /** Reads a sample without its end. */
  parse(text: string): Message;
}
