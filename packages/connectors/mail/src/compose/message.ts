/**
 * A message of plain text as RFC 5322 has it. Pure: the time is a parameter.
 *
 * MAIL-31 A message leaves only with the header fields listed here, each at most once, in printable ASCII and lines of at
 *         most 998; the bytes are checked again, whatever made them.
 * MAIL-37 The Message-ID is made from sender, day and what was asked, so that anybody can find out whether it happened.
 */
import { AirlockError, digestOf } from '@airlock/protocol';
import { LIMITS } from '../limits.js';
import { domainOf } from './address.js';
import { encodeHeaderText, quotedPrintable } from './encode.js';

/** What an agent asked for, checked. */
export interface Draft {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Message-ID of the message that is answered; empty where there is none. */
  readonly inReplyTo: string;
}

export interface Author {
  /** The address the message is from (MAIL-32). */
  readonly from: string;
  readonly nowMs: number;
}

export interface Message {
  readonly messageId: string;
  readonly bytes: Buffer;
}

/** MAIL-37. A day is long enough to look, and short enough that the same words may be sent tomorrow as another message. */
export const messageIdOf = (draft: Draft, { from, nowMs }: Author): string => {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const { to, cc, bcc, subject, text, inReplyTo } = draft;
  const digest = digestOf([from, day, [...to], [...cc], [...bcc], subject, text, inReplyTo]);
  return `<airlock.${digest.slice(0, 32)}@${domainOf(from)}>`;
};

type Field = readonly [name: string, value: string];

const list = (name: string, addresses: readonly string[]): readonly Field[] =>
  addresses.length === 0 ? [] : [[name, addresses.join(',\r\n ')]];

const fieldsOf = (draft: Draft, author: Author, messageId: string, withBcc: boolean): readonly Field[] => [
  ['From', author.from],
  ...list('To', draft.to),
  ...list('Cc', draft.cc),
  ...(withBcc ? list('Bcc', draft.bcc) : []),
  ['Subject', encodeHeaderText(draft.subject)],
  ['Date', new Date(author.nowMs).toUTCString().replace('GMT', '+0000')],
  ['Message-ID', messageId],
  ...(draft.inReplyTo === ''
    ? []
    : ([
        ['In-Reply-To', draft.inReplyTo],
        ['References', draft.inReplyTo],
      ] as const)),
  ['MIME-Version', '1.0'],
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['Content-Transfer-Encoding', 'quoted-printable'],
];

const wrong = (): AirlockError => new AirlockError('INTERNAL', 'the message would have said something else than what was asked');

/** RFC 5322 §2.1.1: 998 characters a line, none of them a control character but tab. */
const LINE = /^[\x20-\x7e\t]{0,998}$/;

const namesIn = (head: string): readonly string[] =>
  head
    .replace(/\r\n[ \t]+(?=[^ \t\r\n])/g, ' ')
    .split('\r\n')
    .map((line) => /^([A-Z][A-Za-z-]*): (?=.)/.exec(line)?.[1] ?? '');

/** MAIL-31. @throws AirlockError INTERNAL */
export const checkMessage = (bytes: Buffer, names: readonly string[]): Buffer => {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const lines = text.split('\r\n');
  const isPlain = text.endsWith('\r\n') && lines.every((line) => LINE.test(line)) && bytes.length <= LIMITS.maxMessageBytes;
  const found = namesIn(text.slice(0, Math.max(0, end)));
  if (isPlain && end > 0 && found.length === names.length && found.every((name, index) => name === names[index])) return bytes;
  throw wrong();
};

/** @param withBcc a draft keeps its hidden recipients in the header; what is sent must not. */
export const composeMessage = (draft: Draft, author: Author, withBcc: boolean): Message => {
  const messageId = messageIdOf(draft, author);
  const fields = fieldsOf(draft, author, messageId, withBcc);
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const bytes = Buffer.from(`${head}\r\n${quotedPrintable(draft.text)}`, 'latin1');
  return {
    messageId,
    bytes: checkMessage(
      bytes,
      fields.map(([name]) => name),
    ),
  };
};
