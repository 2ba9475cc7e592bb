import { invalidArgument } from '../../errors.js';
import type { Message } from './message.js';

/**
 * The modes of {@link TrainOn}:
 *
 * - `last_assistant_message`: the last message of the assistant
 * - `last_assistant_turn`: all messages of the assistant after the last one of the user
 * - `all_assistant_messages`
 * - `all_user_and_system_messages`: all that is not the assistant's
 * - `all_messages`: what everybody says, without the headers between
 * - `all_tokens`: headers too
 * - `customized`: the messages that are `trainable`
 */
export const trainOnModes = [
  'last_assistant_message',
  'last_assistant_turn',
  'all_assistant_messages',
  'all_user_and_system_messages',
  'all_messages',
  'all_tokens',
  'customized',
] as const;

/** Which tokens of a conversation are trained on; see {@link trainOnModes}. */
export type TrainOn = (typeof trainOnModes)[number];

/**
 * Which messages are trained on.
 *
 * @throws TinkerError `invalid_argument` for another mode, or where it chooses no message
 */
export function messagesToTrainOn(messages: readonly Message[], trainOn: TrainOn): readonly boolean[] {
  if (!trainOnModes.includes(trainOn))
    throw invalidArgument(`trainOn to be one of ${trainOnModes.join(', ')}`, trainOn);
  const lastOf = (role: Message['role']): number => messages.findLastIndex((message) => message.role === role);
  const lastAssistant = lastOf('assistant');
  const lastUser = lastOf('user');
  const chosen = messages.map(({ role, trainable = false }, index) => {
    switch (trainOn) {
      case 'last_assistant_message':
        return index === lastAssistant;
      case 'last_assistant_turn':
        return role === 'assistant' && index > lastUser;
      case 'all_assistant_messages':
        return role === 'assistant';
      case 'all_user_and_system_messages':
        return role !== 'assistant';
      case 'all_messages':
      case 'all_tokens':
        return true;
      case 'customized':
        return trainable;
    }
  });
  if (!chosen.includes(true))
    throw invalidArgument(
      `a message to train on under ${trainOn}`,
      `${messages.length} messages by ${messages.map(({ role }) => role).join(', ')}`,
    );
  return chosen;
}
