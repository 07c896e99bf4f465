/** send_message: composed, submitted, and where nobody knows what came of it, named so that it can be looked for (MAIL-36, MAIL-37). */
import { AirlockError, type ConnectorContext, type OperationResult } from '@airlock/protocol';
import { refuseLineBreaks, refuseParam, type Arguments } from '../arguments.js';
import { authorOf, readDraft, recipientsOf } from '../compose/asked.js';
import { composeMessage } from '../compose/message.js';
import type { DialOptions } from '../dial.js';
import { LIMITS } from '../limits.js';
import { smtpTarget } from '../target.js';
import { submit } from './submit.js';

const namingIt = (thrown: unknown, messageId: string): unknown => {
  if (!(thrown instanceof AirlockError) || thrown.code !== 'OUTCOME_UNKNOWN') return thrown;
  return new AirlockError('OUTCOME_UNKNOWN', thrown.message, {
    hint: `look for Message-ID ${messageId} among the sent messages, or ask a recipient, before sending it again`,
  });
};

/** @param dialling what tests replace */
export const sendMessage = async (
  context: ConnectorContext,
  args: Arguments,
  signal: AbortSignal,
  dialling: Omit<DialOptions, 'signal'> = {},
): Promise<OperationResult> => {
  const draft = readDraft(args);
  const recipients = recipientsOf(draft);
  if (recipients.length === 0) return refuseParam('to', 'at least one recipient', 'nobody');
  const target = smtpTarget(context);
  const author = authorOf(context);
  const { bytes, messageId } = composeMessage(draft, author, false);
  const { user } = context.destination;
  const password = refuseLineBreaks(context.credential['password'] ?? '', 'password');
  // Shorter than the cell's own patience, so that whoever asked hears the Message-ID.
  const both = AbortSignal.any([signal, AbortSignal.timeout(LIMITS.submitMs)]);
  try {
    await submit(target, { user, password, from: author.from, recipients, bytes }, { ...dialling, signal: both });
  } catch (thrown) {
    throw namingIt(thrown, messageId);
  }
  return { result: { message_id: messageId, recipients: recipients.length, sent: true }, count: recipients.length };
};
