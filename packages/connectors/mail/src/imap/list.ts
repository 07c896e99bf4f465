/** list_messages and search over IMAP: newest first, in pages that stand still when new mail arrives. */
import type { Json, OperationResult } from '@airlock/protocol';
import type { Arguments } from '../arguments.js';
import { cursorUid, encodeCursor, encodeId, queryOf } from '../ids.js';
import { LIMITS } from '../limits.js';
import { parseFields } from '../mime/header.js';
import { parseStructure } from '../mime/structure.js';
import { summaryJson, type Listed } from '../summary.js';
import type { Criterion, Fetched, ImapClient, OpenFolder } from './client.js';

/** Upper case: node-imap compares section names so. */
const LISTED_FIELDS = 'HEADER.FIELDS (FROM TO CC SUBJECT DATE REPLY-TO MESSAGE-ID)';

interface Place extends OpenFolder {
  readonly folder: string;
}

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

export const listMessages = async (client: ImapClient, args: Arguments, signal: AbortSignal): Promise<OperationResult> => {
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

interface Hunt {
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
      if (entry && (hunt.wanted === undefined || (summaryJson(entry)['has_attachment'] === true) === hunt.wanted))
        found.push(entry);
    }
  }
  return { found, last: seen < hunt.uids.length ? last : undefined };
};

export const searchMessages = async (client: ImapClient, args: Arguments, signal: AbortSignal): Promise<OperationResult> => {
  const folder = args.folder();
  const limit = args.integer('limit', 1, 100, 20);
  const cursor = args.text('cursor', 2048);
  const wanted = client.supports('X-GM-EXT-1') ? undefined : args.flag('has_attachment');
  const criteria = criteriaOf(args, client);
  const query = queryOf([...criteria.map((criterion) => JSON.stringify(criterion)), wanted ?? null]);
  const place = { folder, ...(await client.examine(folder, signal)) };
  const below = cursorUid(cursor, { folder, uidvalidity: place.uidvalidity, query });
  const hits = [...(await client.search(criteria, signal))].sort((one, other) => other - one);
  const uids = below === undefined ? hits : hits.filter((uid) => uid < Number(below));
  const { found, last } = await gather(client, place, { uids, limit, wanted }, signal);
  return page(place, found, hits.length, nextCursor(place, last, query));
};
