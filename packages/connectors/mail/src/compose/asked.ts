/**
 * What an agent asks to be written, read from the parameters and refused by name.
 *
 * MAIL-32 A message is from the sealed user, or, where that is no address, from the setting `from`; no parameter says so.
 */
import { AirlockError, type ConnectorContext } from '@airlock/protocol';
import { refuseParam, type Arguments } from '../arguments.js';
import { LIMITS } from '../limits.js';
import { cleanText } from '../text/clean.js';
import { addressProblem, recipientKey } from './address.js';
import type { Author, Draft } from './message.js';

export const WRITE_PARAMS = ['to', 'cc', 'bcc', 'subject', 'text', 'in_reply_to'] as const;

const addresses = (args: Arguments, field: 'to' | 'cc' | 'bcc'): readonly string[] =>
  args.texts(field, LIMITS.maxRecipients).map((text, index) => {
    const problem = addressProblem(text);
    return problem === null ? text : refuseParam(`${field}[${index}]`, problem.expected, problem.found);
  });

/** Refused, not repaired: what leaves is what was approved. */
const visible = (text: string, field: string): string =>
  cleanText(text) === text ? text : refuseParam(field, 'text without hidden characters', 'an invisible or control character');

/** RFC 5322 §3.6.4, without the forms nobody uses. */
const MESSAGE_ID = /^<[\x21-\x3b\x3d\x3f\x41-\x7e]{1,120}@[\x21-\x3b\x3d\x3f\x41-\x7e]{1,120}>$/;

const answered = (args: Arguments): string => {
  const text = args.text('in_reply_to', 250) ?? '';
  return text === '' || MESSAGE_ID.test(text)
    ? text
    : refuseParam('in_reply_to', 'a message_id as get_message gives it, in angle brackets', 'something else');
};

/** Everyone a message goes to, each once, in the order of the fields. */
export const recipientsOf = ({ to, cc, bcc }: Draft): readonly string[] => [
  ...new Map([...to, ...cc, ...bcc].map((address) => [recipientKey(address), address])).values(),
];

/** @throws AirlockError PARAMS_INVALID naming the field */
export const readDraft = (args: Arguments): Draft => {
  const draft: Draft = {
    to: addresses(args, 'to'),
    cc: addresses(args, 'cc'),
    bcc: addresses(args, 'bcc'),
    subject: visible(args.required('subject', LIMITS.maxNewSubjectChars), 'subject'),
    text: visible(args.lines('text', LIMITS.maxNewTextChars), 'text'),
    inReplyTo: answered(args),
  };
  const count = draft.to.length + draft.cc.length + draft.bcc.length;
  if (count > LIMITS.maxRecipients) return refuseParam('to', `at most ${LIMITS.maxRecipients} recipients in all`, String(count));
  return draft;
};

/** MAIL-32. @throws AirlockError CONFIG_INVALID where the account has no address */
export const authorOf = ({ destination, settings, clock }: ConnectorContext): Author => {
  const { user } = destination;
  const from = addressProblem(user) === null ? user : String(settings['from'] ?? '');
  if (addressProblem(from) === null) return { from, nowMs: clock.wallMs() };
  throw new AirlockError('CONFIG_INVALID', 'the account has no mail address to write from', {
    hint: 'the operator can add the service again with --set from=ADDRESS',
  });
};
