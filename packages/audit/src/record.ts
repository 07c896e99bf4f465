/**
 * One record as one line: `{"seq":N,"ts":"…","event":"…",…fields…,"prev":"<64 hex>"}` LF.
 *
 * AUDIT-1 seq, ts and event stand first, prev last; nothing between members, no white space.
 * AUDIT-7 Strings are well-formed and bounded, what was cut says so, and no line is longer than MAX_LINE_BYTES.
 */
import { isoTime } from '@airlock/protocol';
import { MAX_FIELD_DEPTH, MAX_ITEMS, MAX_KEY_CHARS, MAX_LINE_BYTES, MAX_STRING_CHARS } from './limits.js';
import type { Fields, FieldValue } from './types.js';

const RESERVED: ReadonlySet<string> = new Set(['seq', 'ts', 'event', 'prev']);
const EVENT = /^[a-z][a-z0-9_]{0,63}$/u;
/** 0000-01-01 and 9999-12-31T23:59:59.999Z: outside them ISO 8601 has another width. */
const MIN_WALL_MS = -62_167_219_200_000;
const MAX_WALL_MS = 253_402_300_799_999;

/** Several records fall into one millisecond, and writing it down takes longer than all the rest of a field. */
let newestTime = { wallMs: NaN, text: '' };

/** The instant as a record carries it; a clock gone mad is held to four-digit years. */
export const recordTime = (wallMs: number): string => {
  if (wallMs !== newestTime.wallMs) {
    const held = Number.isFinite(wallMs) ? Math.min(Math.max(Math.trunc(wallMs), MIN_WALL_MS), MAX_WALL_MS) : 0;
    newestTime = { wallMs, text: isoTime(held) };
  }
  return newestTime.text;
};

/** At most `max` UTF-16 units of well-formed text; a cut ends with `…[+N]`, N units left out. */
export const boundText = (text: string, max: number): string => {
  if (text.length <= max) return text.isWellFormed() ? text : text.toWellFormed();
  const kept = /[\uD800-\uDBFF]$/u.test(text.slice(0, max)) ? max - 1 : max;
  return `${text.slice(0, kept).toWellFormed()}…[+${text.length - kept}]`;
};

/** Needs no escape, no cut, and is no name that a cut or a repetition makes. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;

const uniqueName = (name: string, used: Set<string>): string => {
  let unique = boundText(name, MAX_KEY_CHARS);
  for (let n = 2; used.has(unique); n += 1) unique = `${boundText(name, MAX_KEY_CHARS)}~${n}`;
  used.add(unique);
  return JSON.stringify(unique);
};

const MAX_KEPT_NAMES = 512;
/** Plain names, each with what stands before its value: the fields of records have few names, which come again and again. */
const plainNames = new Map<string, string>();

const judgeName = (name: string): string | null => {
  if (!PLAIN_NAME.test(name)) return null;
  if (plainNames.size >= MAX_KEPT_NAMES) plainNames.clear();
  const text = `,"${name}":`;
  plainNames.set(name, text);
  return text;
};

/** The names of one object differ, so a plain one meets none of its like, and nothing that a cut or a repetition makes. */
class Members {
  #text = '';
  #left = 0;
  #room: number;
  /** Names that are not plain. */
  #used: Set<string> | null = null;

  constructor(room: number) {
    this.#room = room;
  }

  add(name: string, member: FieldValue, depth: number): void {
    if (this.#room === 0) return void (this.#left += 1);
    this.#room -= 1;
    const before = plainNames.get(name) ?? judgeName(name) ?? this.#unique(name);
    this.#text += before + valueText(member, depth);
  }

  text(): string {
    return this.#left === 0 ? this.#text : `${this.#text}${this.#unique('…')}${this.#left}`;
  }

  #unique(name: string): string {
    this.#used ??= new Set();
    return `,${uniqueName(name, this.#used)}:`;
  }
}

const membersOf = (value: Fields, depth: number, room: number): string => {
  const members = new Members(room);
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member !== undefined) members.add(name, member, depth);
  }
  return members.text();
};

const arrayText = (items: readonly FieldValue[], depth: number): string => {
  const texts = items.slice(0, MAX_ITEMS).map((item) => valueText(item, depth));
  if (items.length > MAX_ITEMS) texts.push(`"…[+${items.length - MAX_ITEMS}]"`);
  return `[${texts.join(',')}]`;
};

/** Needs no escape, and no cut. */
const PLAIN_TEXT = /^[ !#-[\]-~]{0,128}$/;

const stringText = (value: string): string =>
  PLAIN_TEXT.test(value) ? `"${value}"` : JSON.stringify(boundText(value, MAX_STRING_CHARS));

function valueText(value: FieldValue | undefined, depth: number): string {
  if (typeof value === 'string') return stringText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? JSON.stringify(value) : 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null) return 'null';
  if (depth >= MAX_FIELD_DEPTH) return '"…"';
  if (Array.isArray(value)) return arrayText(value as readonly FieldValue[], depth + 1);
  return `{${membersOf(value as Fields, depth + 1, MAX_ITEMS + RESERVED.size).slice(1)}}`;
}

/** What an encoded record needs to know besides its fields. */
export interface RecordPlace {
  readonly seq: number;
  readonly ts: string;
  /** Hash before this record, 64 hexadecimal digits. */
  readonly prev: string;
}

/**
 * The line of a record without its LF; well-formed, so its UTF-8 is its only form. Fields too large for a line give way to
 * `{"cut":true,"bytes":N}`, N with the LF.
 * @throws TypeError for an event that is no name, or a field called seq, ts, event or prev: a defect of the caller.
 */
export const encodeLine = (place: RecordPlace, event: string, fields: Fields): string => {
  if (!EVENT.test(event)) throw new TypeError('an event is named by lower-case letters, digits and underscores');
  for (const name of RESERVED) if (fields[name] !== undefined) throw new TypeError(`a record has its own ${name}`);
  const front = `{"seq":${place.seq},"ts":"${place.ts}","event":"${event}"`;
  const back = `,"prev":"${place.prev}"}`;
  const line = front + membersOf(fields, 1, MAX_ITEMS) + back;
  // A UTF-16 unit takes at most three bytes, so most lines need no count.
  const bytes = line.length * 3 < MAX_LINE_BYTES ? 0 : Buffer.byteLength(line) + 1;
  return bytes <= MAX_LINE_BYTES ? line : `${front},"cut":true,"bytes":${bytes}${back}`;
};

/** The bytes of `encodeLine`, LF included. */
export const encodeRecord = (place: RecordPlace, event: string, fields: Fields): Buffer =>
  Buffer.from(`${encodeLine(place, event, fields)}\n`);
