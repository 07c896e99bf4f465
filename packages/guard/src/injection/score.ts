/**
 * Scores how much a text looks as if it gave orders to the model that reads it.
 *
 * GUARD-15  the score lies in 0..1, takes time linear in the text, grows with what is found, and drops nothing: what is
 *           found is named and stays in the text. It is a hint for policies and people, and no border: who knows the
 *           signatures writes around them.
 */
import type { Json } from '@airlock/protocol';
import { hasHidden, withoutHidden } from '../neutralise.js';
import { MARKS, SIGNATURES, type Signature } from './signatures.js';
import { eachWord, MAX_WORD } from './walk.js';
import type { Places } from './words.js';

export interface Injection {
  /** 0 nothing found, towards 1 the more and the surer. */
  readonly score: number;
  /** Ids of what was found, each once. */
  readonly signatures: readonly string[];
}

/** Where each signature's places begin in one list of all places, and how many there are. */
const OFFSETS: readonly number[] = SIGNATURES.map((_, at) =>
  SIGNATURES.slice(0, at).reduce((sum, { chain }) => sum + chain.length, 0),
);
const ALL_PLACES = SIGNATURES.reduce((sum, { chain }) => sum + chain.length, 0);
/** No gap is as wide. */
const LONG_AGO = -1e6;

/** Follows all signatures through the words of one text. */
class Follower {
  readonly #last = new Int32Array(ALL_PLACES);
  readonly complete = new Set<Signature>();

  begin(): void {
    this.#last.fill(LONG_AGO);
    this.complete.clear();
  }

  feed(index: number, places: Places): void {
    for (const { signature, place } of places) {
      const [entry, at] = [SIGNATURES[signature], (OFFSETS[signature] ?? 0) + place];
      if (entry === undefined) continue;
      if (place > 0 && index - (this.#last[at - 1] ?? LONG_AGO) > entry.gap) continue;
      this.#last[at] = index;
      if (place === entry.chain.length - 1) this.complete.add(entry);
    }
  }
}

const isAscii = (text: string): boolean => !/[^\t\n\r -~]/.test(text);

/** Lower case, compatibility forms resolved, accents and hidden characters gone. */
const folded = (text: string): string =>
  (withoutHidden(text)?.text ?? text)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replaceAll('\u2019', "'")
    .toLowerCase();

const scoreOf = (found: ReadonlyMap<string, number>): Injection => {
  const rest = [...found.values()].reduce((product, weight) => product * (1 - weight), 1);
  return { score: Math.round((1 - rest) * 1000) / 1000, signatures: [...found.keys()] };
};

const TAGS = /[\u{e0000}-\u{e007f}]/u;

/** One of them: in nearly every text none stands, and one expression says so sooner than forty looks. */
const ANY_MARK = new RegExp(MARKS.map(([mark]) => mark.replace(/[[\]|/]/g, '\\$&')).join('|'));

const findMarks = (normal: string, found: Found): void => {
  if (!ANY_MARK.test(normal)) return;
  for (const [mark, weight, id] of MARKS) if (normal.includes(mark)) found.set(id, Math.max(weight, found.get(id) ?? 0));
};

/** One word of a key or an id says nothing; the border of a prompt does. */
const isNothing = (text: string): boolean =>
  text.length < MAX_WORD && (/^[!-;=-Z\\-{}~]*$/.test(text) || (!/[\s<[|]/.test(text) && !hasHidden(text)));

/** What was found, with the highest weight of each. */
type Found = Map<string, number>;

/** Used for one text after the other. */
const follower = new Follower();

const findIn = (text: string): Found => {
  const found: Found = new Map();
  const ascii = isAscii(text);
  const normal = ascii ? text.toLowerCase() : folded(text);
  findMarks(normal, found);
  // In ASCII the only one is the carriage return.
  if (!ascii || text.includes('\r')) if (hasHidden(text)) found.set('hidden-characters', TAGS.test(text) ? 0.8 : 0.05);
  follower.begin();
  eachWord(normal, (index, places) => follower.feed(index, places));
  for (const { id, weight } of follower.complete) found.set(id, Math.max(weight, found.get(id) ?? 0));
  return found;
};

const NOTHING: Injection = { score: 0, signatures: [] };

/** Scores one text. */
export const scoreText = (text: string): Injection => {
  if (isNothing(text)) return NOTHING;
  const found = findIn(text);
  return found.size === 0 ? NOTHING : scoreOf(found);
};

const eachText = (value: Json, take: (text: string) => void): void => {
  if (typeof value === 'string') return take(value);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) for (const item of value as readonly Json[]) eachText(item, take);
  else
    for (const [key, member] of Object.entries(value as Readonly<Record<string, Json>>)) {
      take(key);
      eachText(member, take);
    }
};

/** The highest score of any text in the value, and what was found in all of them. */
export const scoreValue = (value: Json): Injection => {
  let most = 0;
  const all = new Set<string>();
  eachText(value, (text) => {
    const { score, signatures } = scoreText(text);
    most = Math.max(most, score);
    for (const id of signatures) all.add(id);
  });
  return { score: most, signatures: [...all] };
};
