/** The operations of a maildir: the same as over IMAP, with file names in the place of UIDs. */
import {
  AirlockError,
  type ConnectorContext,
  type ConnectorSession,
  type Json,
  type OperationResult,
  type Params,
} from '@airlock/protocol';
import { Arguments } from '../arguments.js';
import { attachmentPiece, Marks } from '../attachment.js';
import { bodyJson } from '../body.js';
import { abortError } from '../dial.js';
import { folderJson } from '../folders.js';
import { cursorUid, decodeId, encodeCursor, encodeId, queryOf } from '../ids.js';
import { parseMessage, type LocatedPart } from '../mime/parse.js';
import { findPart } from '../mime/part.js';
import { asked, isWhole, notThere, reachOf, type Reach } from '../reach.js';
import { detailJson, summaryJson, type Listed } from '../summary.js';
import { matcherOf, matcherOfReach, SEARCH_FIELDS, type Matcher } from './match.js';
import { compareFiles, MaildirStore, placeOf, type MailFile } from './store.js';

/** A maildir has no uidvalidity: its names are never used twice. */
const UIDVALIDITY = 0;

/** A message read and parsed. */
export interface OpenMail extends Listed {
  readonly file: MailFile;
  readonly bytes: Buffer;
  readonly root: LocatedPart;
}

type Run = (store: MaildirStore, args: Arguments, signal: AbortSignal, reach: Reach) => Promise<OperationResult>;

const checkSignal = (signal: AbortSignal): void => {
  if (signal.aborted) throw abortError(signal);
};

const openMail = async (store: MaildirStore, file: MailFile): Promise<OpenMail | null> => {
  const read = await store.read(file);
  if (!read) return null;
  return {
    ...parseMessage(read.bytes),
    file,
    bytes: read.bytes,
    size: read.size,
    id: encodeId({ folder: file.folder, uidvalidity: UIDVALIDITY, uid: file.base }),
    unread: file.unread,
    arrived: file.deliveredS === 0 ? null : new Date(file.deliveredS * 1000).toISOString(),
  };
};

const pageOf = (
  folder: string,
  messages: readonly OpenMail[],
  total: number,
  next: MailFile | undefined,
  query: string,
): OperationResult => ({
  result: {
    folder,
    messages: messages.map((message): Json => summaryJson(message)),
    total,
    next_cursor: next ? encodeCursor({ folder, uidvalidity: UIDVALIDITY, uid: next.base, query }) : null,
  },
  count: messages.length,
});

const after = (files: readonly MailFile[], args: Arguments, folder: string, query: string): readonly MailFile[] => {
  const uid = cursorUid(args.text('cursor', 2048), { folder, uidvalidity: UIDVALIDITY, query });
  return uid === undefined ? files : files.filter((file) => compareFiles(file, placeOf(String(uid))) > 0);
};

const listMessages: Run = (store, args, signal, reach) =>
  isWhole(reach) ? listFolder(store, args, signal) : pageOfMatching(store, args, matcherOfReach(reach), signal);

const listFolder = async (store: MaildirStore, args: Arguments, signal: AbortSignal): Promise<OperationResult> => {
  const folder = args.folder();
  const limit = args.integer('limit', 1, 100, 20);
  const query = queryOf('list');
  const all = store.files(folder);
  const rest = after(all, args, folder, query);
  const messages: OpenMail[] = [];
  for (const file of rest.slice(0, limit)) {
    checkSignal(signal);
    const mail = await openMail(store, file);
    if (mail) messages.push(mail);
  }
  return pageOf(folder, messages, all.length, rest.length > limit ? rest[limit - 1] : undefined, query);
};

const search: Run = (store, args, signal, reach) => pageOfMatching(store, args, matcherOf(args, reach), signal);

const pageOfMatching = async (
  store: MaildirStore,
  args: Arguments,
  matcher: Matcher,
  signal: AbortSignal,
): Promise<OperationResult> => {
  const folder = args.folder();
  const limit = args.integer('limit', 1, 100, 20);
  const all = store.files(folder);
  const rest = new Set(after(all, args, folder, matcher.query));
  const messages: OpenMail[] = [];
  let total = 0;
  let next: MailFile | undefined;
  for (const file of all) {
    checkSignal(signal);
    if (!matcher.mayMatch(file)) continue;
    const mail = await openMail(store, file);
    if (!mail || !matcher.matches(mail)) continue;
    total += 1;
    if (!rest.has(file) || !matcher.hasAttachment(mail)) continue;
    if (messages.length < limit) messages.push(mail);
    else next ??= messages.at(-1)?.file;
  }
  return pageOf(folder, messages, total, next, matcher.query);
};

/** MAIL-32: what is outside of the reach is not there. */
const locate = async (store: MaildirStore, args: Arguments, reach: Reach): Promise<OpenMail> => {
  const matcher = matcherOfReach(reach);
  const { folder, uid } = decodeId(args.required('id', 2048));
  const file = store.files(folder).find(({ base }) => base === uid);
  const mail = file && matcher.mayMatch(file) ? await openMail(store, file) : null;
  if (!mail || !matcher.matches(mail)) throw notThere();
  return mail;
};

const getMessage: Run = async (store, args, _signal, reach) => {
  const maxChars = args.integer('max_chars', 100, 200_000, 50_000);
  const mail = await locate(store, args, reach);
  const body = await bodyJson(mail.root, maxChars, (part) => {
    const { start, end } = part as LocatedPart;
    return Promise.resolve({
      bytes: mail.bytes.subarray(start, end),
      complete: end < mail.bytes.length || mail.bytes.length === mail.size,
    });
  });
  return {
    result: { ...summaryJson(mail), folder: mail.file.folder, ...detailJson(mail.fields), ...body },
    count: 1,
    truncated: body['truncated'] === true,
  };
};

const getAttachment: Run = async (store, args, _signal, reach) => {
  const path = args.required('part', 64);
  const offset = args.integer('offset', 0, Number.MAX_SAFE_INTEGER, 0);
  const length = args.integer('length', 1, 512 * 1024, 256 * 1024);
  const mail = await locate(store, args, reach);
  const part = findPart(mail.root, path) as LocatedPart | null;
  const read = (from: number, size: number): Promise<Buffer> => {
    const { start = 0, end = 0 } = part ?? {};
    return Promise.resolve(mail.bytes.subarray(Math.min(end, start + from), Math.min(end, start + from + size)));
  };
  return attachmentPiece(part, read, new Marks(), mail.id, offset, length);
};

const listFolders: Run = (store) => {
  const folders = store.folders().flatMap((name): Json[] => {
    const folder = folderJson(name, []);
    return folder === null ? [] : [folder];
  });
  return Promise.resolve({ result: { folders }, count: folders.length });
};

const reached = async (store: MaildirStore, folder: string, signal: AbortSignal, reach: Reach): Promise<readonly MailFile[]> => {
  const matcher = matcherOfReach(reach);
  const files = store.files(folder).filter((file) => matcher.mayMatch(file));
  if (!asked(reach).sender) return files;
  const found: MailFile[] = [];
  for (const file of files) {
    checkSignal(signal);
    const mail = await openMail(store, file);
    if (mail && matcher.matches(mail)) found.push(file);
  }
  return found;
};

const countUnread: Run = async (store, args, signal, reach) => {
  const folder = args.folder();
  const files = await reached(store, folder, signal, reach);
  const unread = files.filter((file) => file.unread).length;
  return { result: { folder, unread, total: files.length }, count: unread };
};

const OPERATIONS: ReadonlyMap<string, { readonly params: readonly string[]; readonly run: Run }> = new Map([
  ['list_folders', { params: [], run: listFolders }],
  ['list_messages', { params: ['folder', 'limit', 'cursor'], run: listMessages }],
  ['search', { params: SEARCH_FIELDS, run: search }],
  ['get_message', { params: ['id', 'max_chars'], run: getMessage }],
  ['get_attachment', { params: ['id', 'part', 'offset', 'length'], run: getAttachment }],
  ['count_unread', { params: ['folder'], run: countUnread }],
]);

/** Opens a maildir at its sealed path. @throws AirlockError UNAVAILABLE, CONFIG_INVALID. */
// eslint-disable-next-line @typescript-eslint/require-await -- what it throws must reject
export const openMaildirSession = async ({ destination, settings }: ConnectorContext): Promise<ConnectorSession> => {
  const path = 'path' in destination ? destination.path : '';
  if (!path.startsWith('/') || (settings['path'] ?? path) !== path) {
    throw new AirlockError('CONFIG_INVALID', 'settings and sealed destination name different maildirs', {
      expected: 'an absolute path',
    });
  }
  const store = new MaildirStore(path);
  store.check();
  return {
    execute: async (name, params: Params, { signal, constraints }) => {
      const operation = OPERATIONS.get(name);
      if (!operation)
        throw new AirlockError('OPERATION_UNKNOWN', 'mail has no such operation', {
          expected: [...OPERATIONS.keys()].join(', '),
        });
      checkSignal(signal);
      return operation.run(store, new Arguments(params, operation.params), signal, reachOf(constraints));
    },
    close: () => Promise.resolve(),
  };
};
