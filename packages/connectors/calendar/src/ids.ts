/** Opaque ids and cursors: canonical JSON in base64url. Not secret, not signed: they name, the lease permits. */
import { AirlockError, canonicalJson, decodeBase64url, digestOf, encodeBase64url, type Json } from '@airlock/protocol';
import type { Original, Window } from './recur/series.js';

/** One event, or one instance of it. */
export interface EventId {
  readonly calendar: string;
  /** Resource of a CalDAV collection; empty for a file. */
  readonly resource: string;
  readonly uid: string;
  readonly original: Original | null;
}

/** Where the next page begins, in which window. */
export interface Cursor extends Window {
  readonly startMs: number;
  /** Digest of the id of the last event that was shown. */
  readonly after: string;
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

const isText = (value: unknown): value is string => typeof value === 'string';
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isOriginal = (value: unknown): value is Original => isText(value) && /^[tfd]-?[0-9]{1,15}$/.test(value);

export const encodeId = ({ calendar, resource, uid, original }: EventId): string =>
  encode([calendar, resource, uid, original ?? '']);

/** @throws AirlockError PARAMS_INVALID (params.id) */
export const decodeId = (text: string): EventId => {
  const [calendar, resource, uid, original, ...more] = decode(text) ?? [];
  if (isText(calendar) && isText(resource) && isText(uid) && (original === '' || isOriginal(original)) && more.length === 0)
    return { calendar, resource, uid, original: original === '' ? null : original };
  throw new AirlockError('PARAMS_INVALID', 'the parameter id is no event id', {
    field: 'params.id',
    expected: 'an id from a list',
  });
};

/** Short name of an id, for cursors. */
export const shortOf = (id: string): string => digestOf(id).slice(0, 16);

/** A question's fingerprint: a cursor fits only the question it was given for. */
export const questionOf = (value: Json): string => digestOf(value).slice(0, 16);

export const encodeCursor = (question: string, { fromMs, toMs, startMs, after }: Cursor): string =>
  encode([question, fromMs, toMs, startMs, after]);

/** @throws AirlockError PARAMS_INVALID (params.cursor) where it is none, or belongs to another question. */
export const decodeCursor = (text: string, question: string): Cursor => {
  const [of, fromMs, toMs, startMs, after, ...more] = decode(text) ?? [];
  if (of === question && isInteger(fromMs) && isInteger(toMs) && isInteger(startMs) && isText(after) && more.length === 0)
    return { fromMs, toMs, startMs, after };
  throw new AirlockError('PARAMS_INVALID', 'the cursor does not fit', {
    field: 'params.cursor',
    expected: 'next_cursor of the page before, with the same parameters',
    hint: 'ask again without a cursor',
  });
};
