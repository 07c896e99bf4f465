/**
 * Searches that see only what a lease reaches (docs/spec/mail.md).
 *
 * MAIL-32  what is outside of the reach is found, counted and read by nothing: the conditions go into the search itself.
 *
 * The days are the server's to compare. For senders the server's search is a substring of the header, so whoever is called like
 * an allowed address would be found: what it finds is a superset, of which the From fields are read and compared exactly.
 */
import { LIMITS } from '../limits.js';
import { areAllowed, asked, type Reach } from '../reach.js';
import { sendersIn } from '../senders.js';
import type { Criterion, ImapClient, OpenFolder } from './client.js';

const FROM_FIELD = 'HEADER.FIELDS (FROM)';

/** UIDs of a command: far below the longest line. */
const UIDS_AT_ONCE = 400;

/** The From fields of messages, which never change: read once a session. */
export class SenderMemory {
  readonly #folders = new Map<string, Map<number, readonly string[]>>();
  #size = 0;

  of(folder: string, uidvalidity: number): Map<number, readonly string[]> {
    const key = `${uidvalidity} ${folder}`;
    const known = this.#folders.get(key) ?? new Map<number, readonly string[]>();
    this.#folders.set(key, known);
    return known;
  }

  /** Forgets everything once it is much. */
  count(more: number): void {
    this.#size += more;
    if (this.#size <= LIMITS.maxRememberedSenders) return;
    this.#folders.clear();
    this.#size = 0;
  }
}

export interface Place extends OpenFolder {
  readonly folder: string;
}

export interface Within {
  readonly reach: Reach;
  readonly memory: SenderMemory;
}

export interface Hits {
  /** Newest first, all within reach. */
  readonly uids: readonly number[];
  /** There were more candidates than are looked at. */
  readonly isCut: boolean;
}

/** A day for node-imap, which writes the local date of what it is given. */
const localDay = (ms: number): Date => {
  const day = new Date(ms);
  return new Date(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate());
};

/** The days of the reach as conditions. */
export const dayCriteria = ({ sinceMs, beforeMs }: Reach): readonly Criterion[] => [
  ...(sinceMs === null ? [] : [['SINCE', localDay(sinceMs)] as const]),
  ...(beforeMs === null ? [] : [['BEFORE', localDay(beforeMs)] as const]),
];

/** One search for each: what node-imap writes for OR needs parentheses, which no grammar of ours has. */
const needlesOf = ({ senders, domains }: Reach): readonly string[] =>
  senders === null ? [...(domains ?? [])].map((domain) => `@${domain}`) : [...senders];

const newestFirst = (uids: Iterable<number>): number[] => [...new Set(uids)].sort((one, other) => other - one);

const readSenders = async (
  client: ImapClient,
  place: Place,
  uids: readonly number[],
  memory: SenderMemory,
  signal: AbortSignal,
) => {
  const known = memory.of(place.folder, place.uidvalidity);
  const missing = uids.filter((uid) => !known.has(uid));
  for (let at = 0; at < missing.length; at += UIDS_AT_ONCE) {
    const piece = { section: FROM_FIELD, offset: 0, length: LIMITS.headerBytes };
    for (const { attributes, body } of await client.fetch(missing.slice(at, at + UIDS_AT_ONCE), { struct: false, piece }, signal))
      known.set(Number(attributes['uid']), sendersIn(body));
  }
  memory.count(missing.length);
  return known;
};

/** UIDs that fulfil the criteria, of what the lease reaches and of nothing else (MAIL-32). */
export const searchWithin = async (
  client: ImapClient,
  place: Place,
  criteria: readonly Criterion[],
  { reach, memory }: Within,
  signal: AbortSignal,
): Promise<Hits> => {
  const all = [...criteria, ...dayCriteria(reach)];
  if (!asked(reach).sender) return { uids: newestFirst(await client.search(all, signal)), isCut: false };
  const found: number[] = [];
  for (const needle of needlesOf(reach)) found.push(...(await client.search([...all, ['FROM', needle]], signal)));
  const candidates = newestFirst(found);
  const looked = candidates.slice(0, LIMITS.maxSendersRead);
  const known = await readSenders(client, place, looked, memory, signal);
  return { uids: looked.filter((uid) => areAllowed(reach, known.get(uid) ?? [])), isCut: looked.length < candidates.length };
};

/** Whether one message is reached: the server compares the day as it does in a search (MAIL-31, MAIL-32). */
export const isReached = async (
  client: ImapClient,
  place: Place,
  uid: number,
  { reach, memory }: Within,
  signal: AbortSignal,
): Promise<boolean> => {
  const { sender, day } = asked(reach);
  if (day && !(await client.search([['UID', String(uid)], ...dayCriteria(reach)], signal)).includes(uid)) return false;
  if (!sender) return true;
  const known = await readSenders(client, place, [uid], memory, signal);
  return areAllowed(reach, known.get(uid) ?? []);
};
