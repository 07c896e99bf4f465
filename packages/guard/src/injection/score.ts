/**
 * Scores how much a text looks as if it gave orders to the model that reads it.
 *
 * GUARD-15  the score lies in 0..1, takes time linear in the text, grows with what is found, and drops nothing: what is
 *           found is named and stays in the text. It is a hint for policies and people, and no border: who knows the
 *           signatures writes around them.
 */
import type { Json } from '@airlock/protocol';
import { hasHidden, withoutHidden } from '../neutralise.js';
import { MARKS, SIGNATURES, WORDS, type Signature } from './signatures.js';

export interface Injection {
  /** 0 nothing found, towards 1 the more and the surer. */
  readonly score: number;
  /** Ids of what was found, each once. */
  readonly signatures: readonly string[];
}

/** Class names by word, and by the beginning of a word: `ignor` of `ignor*`. */
const tablesOf = (): {
  readonly whole: ReadonlyMap<string, readonly string[]>;
  readonly begun: ReadonlyMap<string, readonly string[]>;
} => {
  const whole = new Map<string, string[]>();
  const begun = new Map<string, string[]>();
  for (const [name, words] of Object.entries(WORDS))
    for (const word of words.split(' ')) {
      const [table, key] = word.endsWith('*') ? [begun, word.slice(0, -1)] : [whole, word];
      table.set(key, [...(table.get(key) ?? []), name]);
    }
  return { whole, begun };
};

const TABLES = tablesOf();
const MAX_STEM = Math.max(...[...TABLES.begun.keys()].map((stem) => stem.length));
const MIN_STEM = Math.min(...[...TABLES.begun.keys()].map((stem) => stem.length));

/** Where in which signature a word may stand. */
interface Place {
  readonly signature: number;
  readonly place: number;
}

const PLACES = ((): ReadonlyMap<string, readonly Place[]> => {
  const places = new Map<string, Place[]>();
  SIGNATURES.forEach(({ chain }, signature) =>
    chain.forEach((name, place) => places.set(name, [...(places.get(name) ?? []), { signature, place }])),
  );
  return places;
})();

/** Places a word may take, the last of a signature first, so that one word never takes two. */
const lookUp = (word: string): readonly Place[] => {
  const names = [...(TABLES.whole.get(word) ?? [])];
  for (let length = MIN_STEM; length <= Math.min(MAX_STEM, word.length); length += 1)
    names.push(...(TABLES.begun.get(word.slice(0, length)) ?? []));
  return [...new Set(names)].flatMap((name) => PLACES.get(name) ?? []).sort((a, b) => b.place - a.place);
};

const NOWHERE: readonly Place[] = [];
const MAX_KEPT = 8192;

/** Places of words, kept over texts: most words come again. Begun anew when it is full. */
const kept = new Map<string, readonly Place[]>();

const placesOf = (word: string): readonly Place[] => {
  if (word.length > MAX_WORD) return NOWHERE;
  const known = kept.get(word);
  if (known !== undefined) return known;
  const places = lookUp(plainWord(word));
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(word, places);
  return places;
};

/** Follows all signatures through the words of one text. */
class Follower {
  readonly #last = SIGNATURES.map(({ chain }) => chain.map(() => -Infinity));
  readonly complete = new Set<Signature>();

  feed(index: number, word: string): void {
    for (const { signature, place } of placesOf(word)) {
      const [entry, last] = [SIGNATURES[signature], this.#last[signature]];
      if (entry === undefined || last === undefined) continue;
      if (place > 0 && index - (last[place - 1] ?? -Infinity) > entry.gap) continue;
      last[place] = index;
      if (place === entry.chain.length - 1) this.complete.add(entry);
    }
  }
}

/** Letters that look like Latin ones (a small part of UTS #39). */
const LOOKALIKES: Readonly<Record<string, string>> = {
  а: 'a',
  е: 'e',
  о: 'o',
  р: 'p',
  с: 'c',
  х: 'x',
  у: 'y',
  і: 'i',
  ѕ: 's',
  ј: 'j',
};
const isMixed = (word: string): boolean => /[a-z]/.test(word) && /[\u0400-\u04ff]/.test(word);

const plainWord = (word: string): string =>
  isMixed(word) ? Array.from(word, (char) => LOOKALIKES[char] ?? char).join('') : word;

/** Lower case, compatibility forms resolved, accents and hidden characters gone. */
const normalise = (text: string): string => (isAscii(text) ? text.toLowerCase() : folded(withoutHidden(text)?.text ?? text));

const isAscii = (text: string): boolean => !/[^\t\n\r -~]/.test(text);

const folded = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replaceAll('\u2019', "'")
    .toLowerCase();

const WORD = /[\p{L}\p{N}']+/gu;
/** A longer one is no word. */
const MAX_WORD = 32;

const scoreOf = (found: ReadonlyMap<string, number>): Injection => {
  const rest = [...found.values()].reduce((product, weight) => product * (1 - weight), 1);
  return { score: Math.round((1 - rest) * 1000) / 1000, signatures: [...found.keys()] };
};

const TAGS = /[\u{e0000}-\u{e007f}]/u;

const findMarks = (normal: string, raw: string, found: Map<string, number>): void => {
  for (const [mark, weight, id] of MARKS) if (normal.includes(mark)) found.set(id, Math.max(weight, found.get(id) ?? 0));
  if (hasHidden(raw)) found.set('hidden-characters', TAGS.test(raw) ? 0.8 : 0.05);
};

/** One word of a key or an id says nothing; the border of a prompt does. */
const isNothing = (text: string): boolean => text.length < MAX_WORD && !/[\s<[|]/.test(text) && !hasHidden(text);

const NOTHING: Injection = { score: 0, signatures: [] };

/** Scores one text. */
export const scoreText = (text: string): Injection => {
  if (isNothing(text)) return NOTHING;
  const found = new Map<string, number>();
  const normal = normalise(text);
  findMarks(normal, text, found);
  const follower = new Follower();
  let index = 0;
  for (const [word] of normal.matchAll(WORD)) {
    index += 1;
    follower.feed(index, word);
  }
  for (const { id, weight } of follower.complete) found.set(id, Math.max(weight, found.get(id) ?? 0));
  return scoreOf(found);
};

const textsOf = (value: Json): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsOf(member)]);
};

/** The highest score of any text in the value, and what was found in all of them. */
export const scoreValue = (value: Json): Injection => {
  const all = textsOf(value).map(scoreText);
  return {
    score: all.reduce((most, { score }) => Math.max(most, score), 0),
    signatures: [...new Set(all.flatMap(({ signatures }) => signatures))],
  };
};
