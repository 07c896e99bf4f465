/** get_message and get_attachment over IMAP. */
import type { OperationResult } from '@airlock/protocol';
import type { Arguments } from '../arguments.js';
import { attachmentPiece, type Marks } from '../attachment.js';
import { bodyJson } from '../body.js';
import { decodeId } from '../ids.js';
import { LIMITS } from '../limits.js';
import { findPart, type Part } from '../mime/part.js';
import { notThere } from '../reach.js';
import { detailJson, summaryJson, type Listed } from '../summary.js';
import type { ImapClient } from './client.js';
import { fetchEntries, isInTime } from './list.js';
import { isReached, type Within } from './within.js';

interface Located {
  readonly folder: string;
  readonly uid: number;
  readonly entry: Listed;
}

/** MAIL-32: what is outside of the reach is not there. */
const locate = async (client: ImapClient, args: Arguments, within: Within, signal: AbortSignal): Promise<Located> => {
  const { folder, uidvalidity, uid } = decodeId(args.required('id', 2048));
  if (typeof uid !== 'number') throw notThere();
  const open = await client.examine(folder, signal);
  if (open.uidvalidity !== uidvalidity) throw notThere();
  const place = { folder, ...open };
  if (!(await isReached(client, place, uid, within, signal))) throw notThere();
  const [entry] = await fetchEntries(client, place, [uid], signal);
  if (!entry || !isInTime(within.reach, entry)) throw notThere();
  return { folder, uid, entry };
};

const readPiece = async (
  client: ImapClient,
  uid: number,
  section: string,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Buffer> => {
  const [message] = await client.fetch([uid], { struct: false, piece: { section, offset, length } }, signal);
  if (!message) throw notThere();
  return message.body.subarray(0, length);
};

export const getMessage = async (
  client: ImapClient,
  args: Arguments,
  signal: AbortSignal,
  within: Within,
): Promise<OperationResult> => {
  const maxChars = args.integer('max_chars', 100, 200_000, 50_000);
  const { folder, uid, entry } = await locate(client, args, within, signal);
  const read = async (part: Part): Promise<{ bytes: Buffer; complete: boolean }> => {
    const bytes = await readPiece(client, uid, part.path, 0, LIMITS.bodyBytes, signal);
    return { bytes, complete: bytes.length < LIMITS.bodyBytes };
  };
  const body = await bodyJson(entry.root, maxChars, read);
  return {
    result: { ...summaryJson(entry), folder, ...detailJson(entry.fields), ...body },
    count: 1,
    truncated: body['truncated'] === true,
  };
};

export const getAttachment = async (
  client: ImapClient,
  args: Arguments,
  marks: Marks,
  signal: AbortSignal,
  within: Within,
): Promise<OperationResult> => {
  const path = args.required('part', 64);
  const offset = args.integer('offset', 0, Number.MAX_SAFE_INTEGER, 0);
  const length = args.integer('length', 1, 512 * 1024, 256 * 1024);
  const { uid, entry } = await locate(client, args, within, signal);
  const part = findPart(entry.root, path);
  return attachmentPiece(
    part,
    (from, size) => readPiece(client, uid, path, from, size, signal),
    marks,
    `${entry.id} ${path}`,
    offset,
    length,
  );
};
