/** Search conditions on a message in memory, with the meaning they have in IMAP (RFC 3501 §6.4.4). */
import type { Arguments } from '../arguments.js';
import { queryOf } from '../ids.js';
import { areAllowed, hasArrivedWithin, reachJson, type Reach } from '../reach.js';
import { sendersIn } from '../senders.js';
import { decodeText, decodeTransfer } from '../mime/decode.js';
import { addressesOf, textOf, type Fields } from '../mime/header.js';
import type { LocatedPart } from '../mime/parse.js';
import { attachmentsOf } from '../mime/part.js';
import type { MailFile } from './store.js';

export const SEARCH_FIELDS: readonly string[] = [
  'folder',
  'from',
  'to',
  'subject',
  'text',
  'since',
  'before',
  'unread',
  'has_attachment',
  'limit',
  'cursor',
];

interface Matchable {
  readonly fields: Fields;
  readonly root: LocatedPart;
  readonly bytes: Buffer;
}

export interface Matcher {
  /** Fingerprint of the conditions, for cursors. */
  readonly query: string;
  /** What the file's name alone can tell. */
  readonly mayMatch: (file: MailFile) => boolean;
  readonly matches: (mail: Matchable) => boolean;
  readonly hasAttachment: (mail: Matchable) => boolean;
}

const fold = (text: string): string => text.normalize('NFC').toLowerCase();

const addresses = (fields: Fields, name: string): string =>
  addressesOf(fields, name)
    .map((one) => `${one.name} ${one.address}`)
    .join('\n');

const textsOf = (part: LocatedPart, bytes: Buffer): readonly string[] =>
  part.type.startsWith('text/')
    ? [decodeText(decodeTransfer(bytes.subarray(part.start, part.end), part.encoding), part.charset).text]
    : part.children.flatMap((child) => textsOf(child, bytes));

const haystack = ({ fields, root, bytes }: Matchable): string =>
  [
    addresses(fields, 'from'),
    addresses(fields, 'to'),
    addresses(fields, 'cc'),
    textOf(fields, 'subject'),
    ...textsOf(root, bytes),
  ].join('\n');

/** When a file arrived, by its name; null where it does not say. */
export const arrivedMsOf = ({ deliveredS }: MailFile): number | null => (deliveredS === 0 ? null : deliveredS * 1000);

/** Everything that the lease reaches (MAIL-30, MAIL-31). */
export const matcherOfReach = (reach: Reach): Matcher => ({
  query: queryOf(['list', ...reachJson(reach)]),
  mayMatch: (file) => hasArrivedWithin(reach, arrivedMsOf(file)),
  matches: ({ bytes }) => areAllowed(reach, sendersIn(bytes)),
  hasAttachment: () => true,
});

/** Reads the conditions. @throws AirlockError PARAMS_INVALID */
export const matcherOf = (args: Arguments, reach: Reach): Matcher => {
  const [from, to, subject, text] = ['from', 'to', 'subject', 'text'].map((field) => args.text(field, 200));
  const [since, before] = [args.day('since'), args.day('before')];
  const [unread, attachment] = [args.flag('unread'), args.flag('has_attachment')];
  const has = (hay: () => string, needle: string | undefined): boolean =>
    needle === undefined || fold(hay()).includes(fold(needle));
  return {
    query: queryOf([
      from ?? null,
      to ?? null,
      subject ?? null,
      text ?? null,
      since?.getTime() ?? null,
      before?.getTime() ?? null,
      unread ?? null,
      attachment ?? null,
      ...reachJson(reach),
    ]),
    mayMatch: (file) =>
      hasArrivedWithin(reach, arrivedMsOf(file)) &&
      (unread === undefined || file.unread === unread) &&
      (since === undefined || file.deliveredS * 1000 >= since.getTime()) &&
      (before === undefined || file.deliveredS * 1000 < before.getTime()),
    matches: (mail) =>
      areAllowed(reach, sendersIn(mail.bytes)) &&
      has(() => addresses(mail.fields, 'from'), from) &&
      has(() => addresses(mail.fields, 'to'), to) &&
      has(() => textOf(mail.fields, 'subject'), subject) &&
      has(() => haystack(mail), text),
    hasAttachment: (mail) => attachment === undefined || attachmentsOf(mail.root).length > 0 === attachment,
  };
};
