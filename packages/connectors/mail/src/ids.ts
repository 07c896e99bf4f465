/** Opaque ids and cursors: canonical JSON in base64url. Not secret, not signed: they name, the lease permits. */
import { AirlockError, canonicalJson, decodeBase64url, digestOf, encodeBase64url, type Json } from '@airlock/protocol';

/** One message: UIDs hold as long as the folder's uidvalidity does (RFC 3501 §2.3.1.1). In a maildir `uid` is a name. */
export interface MessageId {
  readonly folder: string;
  readonly uidvalidity: number;
  readonly uid: number | string;
}

/** Where the next page begins: below this uid, in this folder, for this question. */
export interface Cursor extends MessageId {
  readonly query: string;
}

const encode = (value: Json): string => encodeBase64url(Buffer.from(canonicalJson(value)));

const decode = (text: string): readonly unknown[] | null => {
  try {
    const value: unknown = JSON.parse(decodeBase64url(text)?.toString() ?? 'null');
    return Array.isArray(value) && encode(value as Json) === text ? value : null;
  } catch {
    return null;
  }
};

const isName = (value: unknown): value is string => typeof value === 'string' && !/[\r\n\0]/.test(value);
const isUid = (value: unknown): value is number | string =>
  typeof value === 'string' || (Number.isSafeInteger(value) && Number(value) > 0);

export const encodeId = ({ folder, uidvalidity, uid }: MessageId): string => encode([folder, uidvalidity, uid]);

/** @throws AirlockError PARAMS_INVALID (params.id) */
export const decodeId = (text: string): MessageId => {
  const [folder, uidvalidity, uid, ...more] = decode(text) ?? [];
  if (isName(folder) && typeof uidvalidity === 'number' && isUid(uid) && more.length === 0) return { folder, uidvalidity, uid };
  throw new AirlockError('PARAMS_INVALID', 'the parameter id is no message id', {
    field: 'params.id',
    expected: 'an id from a list',
  });
};

/** A question's fingerprint: a cursor fits only the question it was given for. */
export const queryOf = (value: Json): string => digestOf(value).slice(0, 16);

export const encodeCursor = (cursor: Cursor): string => encode([cursor.folder, cursor.uidvalidity, cursor.uid, cursor.query]);

/**
 * The uid below which the page begins; undefined where there is no cursor.
 * @throws AirlockError PARAMS_INVALID (params.cursor) where it is none, or belongs to another folder, uidvalidity or question.
 */
export const cursorUid = (text: string | undefined, expected: Omit<Cursor, 'uid'>): number | string | undefined => {
  if (text === undefined) return undefined;
  const [folder, uidvalidity, uid, query, ...more] = decode(text) ?? [];
  const fits = folder === expected.folder && uidvalidity === expected.uidvalidity && query === expected.query;
  if (fits && isUid(uid) && more.length === 0) return uid;
  throw new AirlockError('PARAMS_INVALID', 'the cursor does not fit', {
    field: 'params.cursor',
    expected: 'next_cursor of the page before, with the same folder and conditions',
    hint: 'list again without a cursor',
  });
};
