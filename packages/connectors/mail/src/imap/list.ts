/** list_messages and search over IMAP: newest first, in pages that stand still when new mail arrives. */
import type { Json, OperationResult } from '@airlock/protocol';
import type { Arguments } from '../arguments.js';
import { cursorUid, encodeCursor, encodeId, queryOf } from '../ids.js';
import { LIMITS } from '../limits.js';
import { parseFields } from '../mime/header.js';
import { parseStructure } from '../mime/structure.js';
import { hasArrivedWithin, isWhole, reachJson, type Reach } from '../reach.js';
import { summaryJson, type Listed } from '../summary.js';
import type { Criterion, Fetched, ImapClient } from './client.js';
import { searchWithin, type Place, type Within } from './within.js';

/** Upper case: node-imap compares section names so. */
const LISTED_FIELDS = 'HEADER.FIELDS (FROM TO CC SUBJECT DATE REPLY-TO MESSAGE-ID)';

type Entry = Listed & { readonly uid: number };

const entryOf = ({ attributes, body }: Fetched, place: Place): Entry => {
  const uid = Number(attributes['uid']);
  const flags = Array.isArray(attributes['flags']) ? attributes['flags'] : [];
  const { date } = attributes;
  return {
    uid,
    id: encodeId({ folder: place.folder, uidvalidity: place.uidvalidity, uid }),
    fields: parseFields(body),
    root: parseStructure(attributes['struct']),
    unread: !flags.some((flag) => String(flag).toLowerCase() === '\\seen'),
    size: Number.isSafeInteger(attributes['rfc822.size'] ?? attributes['size'])
      ? Number(attributes['rfc822.size'] ?? attributes['size'])
      : 0,
    arrived: date instanceof Date && Number.isFinite(date.getTime()) ? date.toISOString() : null,
  };
};

/** Fetches what a list shows, in one command, newest first. */
export const fetchEntries = async (
  client: ImapClient,
  place: Place,
  which: readonly number[] | { readonly range: string },
  signal: AbortSignal,
): Promise<readonly Entry[]> => {
  const piece = { section: LISTED_FIELDS, offset: 0, length: LIMITS.headerBytes };
  const fetched = await client.fetch(which, { struct: true, piece }, signal);
  return fetched.map((message) => entryOf(message, place)).sort((one, other) => other.uid - one.uid);
};

/** Looked at once more in what the server sent: it may have searched for something else (MAIL-31). */
export const isInTime = (reach: Reach, { arrived }: Listed): boolean =>
  hasArrivedWithin(reach, arrived === null ? null : Date.parse(arrived), LIMITS.maxZoneMs);

const page = (place: Place, messages: readonly Entry[], total: number, next: string | null): OperationResult => ({
  result: { folder: place.folder, messages: messages.map((message): Json => summaryJson(message)), total, next_cursor: next },
  count: messages.length,
});

const nextCursor = (place: Place, uid: number | undefined, query: string): string | null =>
  uid === undefined || uid <= 1 ? null : encodeCursor({ folder: place.folder, uidvalidity: place.uidvalidity, uid, query });

/** How many messages lie below a uid: the highest sequence number of the page. */
const countBelow = async (client: ImapClient, uid: number, signal: AbortSignal): Promise<number> => {
  if (uid <= 1) return 0;
  const below: Criterion[] = [['UID', `1:${uid - 1}`]];
  return client.supports('ESEARCH') ? client.count(below, signal) : (await client.search(below, signal)).length;
};

/** A part of a folder has no sequence numbers of its own: its list is a search for everything in it. */
export const listMessages = (
  client: ImapClient,
  args: Arguments,
  signal: AbortSignal,
  within: Within,
): Promise<OperationResult> =>
  isWhole(within.reach)
    ? listFolder(client, args, signal)
    : pageWithin(client, args, { criteria: [['ALL']], query: ['list'], wanted: undefined }, within, signal);

const listFolder = async (client: ImapClient, args: Arguments, signal: AbortSignal): Promise<OperationResult> => {
  const folder = args.folder();
  const limit = args.integer('limit', 1, 100, 20);
  const cursor = args.text('cursor', 2048);
  const place = { folder, ...(await client.examine(folder, signal)) };
  const query = queryOf('list');
  const below = cursorUid(cursor, { folder, uidvalidity: place.uidvalidity, query });
  const highest = below === undefined ? place.total : await countBelow(client, Number(below), signal);
  if (highest === 0) return page(place, [], place.total, null);
  const lowest = Math.max(1, highest - limit + 1);
  const messages = (await fetchEntries(client, place, { range: `${lowest}:${highest}` }, signal))
    .filter(({ uid }) => below === undefined || uid < Number(below))
    .slice(0, limit);
  return page(place, messages, place.total, lowest > 1 ? nextCursor(place, messages.at(-1)?.uid, query) : null);
};

const SEARCH_FIELDS = [
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

/** Names of the parameters of search; Gmail has its own query language on top. */
export const searchFields = (gmail: boolean): readonly string[] => (gmail ? [...SEARCH_FIELDS, 'query'] : SEARCH_FIELDS);

const criteriaOf = (args: Arguments, client: ImapClient): readonly Criterion[] => {
  const criteria: Criterion[] = [];
  for (const field of ['from', 'to', 'subject', 'text']) {
    const text = args.text(field, 200);
    if (text !== undefined) criteria.push([field.toUpperCase(), text]);
  }
  const since = args.day('since');
  const before = args.day('before');
  if (since) criteria.push(['SINCE', since]);
  if (before) criteria.push(['BEFORE', before]);
  const unread = args.flag('unread');
  if (unread !== undefined) criteria.push(unread ? 'UNSEEN' : 'SEEN');
  const raw = [args.text('query', 500), gmailAttachment(args, client)].filter((part) => part !== undefined).join(' ');
  if (raw !== '') criteria.push(['X-GM-RAW', raw]);
  return criteria.length === 0 ? ['ALL'] : criteria;
};

const gmailAttachment = (args: Arguments, client: ImapClient): string | undefined => {
  const wanted = args.flag('has_attachment');
  if (wanted === undefined || !client.supports('X-GM-EXT-1')) return undefined;
  return wanted ? 'has:attachment' : '-has:attachment';
};

interface Asked {
  readonly criteria: readonly Criterion[];
  readonly query: readonly Json[];
  /** Whether it has to have an attachment, where the server cannot tell. */
  readonly wanted: boolean | undefined;
}

interface Hunt {
  readonly reach: Reach;
  readonly uids: readonly number[];
  readonly limit: number;
  readonly wanted: boolean | undefined;
}

/** Goes through the hits, newest first; IMAP has no search for attachments, so they are looked at, so many a call. */
const gather = async (
  client: ImapClient,
  place: Place,
  hunt: Hunt,
  signal: AbortSignal,
): Promise<{ readonly found: readonly Entry[]; readonly last: number | undefined }> => {
  const found: Entry[] = [];
  let seen = 0;
  let last: number | undefined;
  const most = hunt.wanted === undefined ? hunt.limit : LIMITS.maxInspected;
  while (found.length < hunt.limit && seen < Math.min(most, hunt.uids.length)) {
    const batch = hunt.uids.slice(seen, Math.min(seen + 100, most, hunt.wanted === undefined ? hunt.limit : Infinity));
    const entries = new Map((await fetchEntries(client, place, batch, signal)).map((entry) => [entry.uid, entry]));
    for (const uid of batch) {
      if (found.length >= hunt.limit) break;
      seen += 1;
      last = uid;
      const entry = entries.get(uid);
      if (
        entry &&
        isInTime(hunt.reach, entry) &&
        (hunt.wanted === undefined || (summaryJson(entry)['has_attachment'] === true) === hunt.wanted)
      )
        found.push(entry);
    }
  }
  return { found, last: seen < hunt.uids.length ? last : undefined };
};

const pageWithin = async (
  client: ImapClient,
  args: Arguments,
  { criteria, query: conditions, wanted }: Asked,
  within: Within,
  signal: AbortSignal,
): Promise<OperationResult> => {
  const folder = args.folder();
  const limit = args.integer('limit', 1, 100, 20);
  const cursor = args.text('cursor', 2048);
  const query = queryOf([...conditions, ...reachJson(within.reach)]);
  const place = { folder, ...(await client.examine(folder, signal)) };
  const below = cursorUid(cursor, { folder, uidvalidity: place.uidvalidity, query });
  const hits = await searchWithin(client, place, criteria, within, signal);
  const uids = below === undefined ? hits.uids : hits.uids.filter((uid) => uid < Number(below));
  const { found, last } = await gather(client, place, { reach: within.reach, uids, limit, wanted }, signal);
  const shown = page(place, found, hits.uids.length, nextCursor(place, last, query));
  return hits.isCut ? { ...shown, truncated: true } : shown;
};

export const searchMessages = (
  client: ImapClient,
  args: Arguments,
  signal: AbortSignal,
  within: Within,
): Promise<OperationResult> => {
  const wanted = client.supports('X-GM-EXT-1') ? undefined : args.flag('has_attachment');
  const criteria = criteriaOf(args, client);
  const query = [...criteria.map((criterion) => JSON.stringify(criterion)), wanted ?? null];
  return pageWithin(client, args, { criteria, query, wanted }, within, signal);
};

/** Unread and all messages of a folder, as far as the lease reaches. */
export const countWithin = async (
  client: ImapClient,
  folder: string,
  within: Within,
  signal: AbortSignal,
): Promise<OperationResult> => {
  const place = { folder, ...(await client.examine(folder, signal)) };
  const all = await searchWithin(client, place, [['ALL']], within, signal);
  const unread = await searchWithin(client, place, [['UNSEEN']], within, signal);
  const result = { folder, unread: unread.uids.length, total: all.uids.length };
  return { result, count: result.unread, truncated: all.isCut || unread.isCut };
};
