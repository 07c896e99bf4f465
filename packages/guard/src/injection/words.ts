/** What a word says: where in which signature it may stand. */
import { SIGNATURES, WORDS } from './signatures.js';

export interface Place {
  readonly signature: number;
  readonly place: number;
}
export type Places = readonly Place[];

const NOWHERE: Places = [];

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

/** Every word and every beginning of one. */
export const VOCABULARY: readonly string[] = [...TABLES.whole.keys(), ...TABLES.begun.keys()];

const PLACES = ((): ReadonlyMap<string, Places> => {
  const places = new Map<string, Place[]>();
  SIGNATURES.forEach(({ chain }, signature) =>
    chain.forEach((name, place) => places.set(name, [...(places.get(name) ?? []), { signature, place }])),
  );
  return places;
})();

/** Places a word may take, the last of a signature first, so that one word never takes two. */
export const lookUp = (word: string): Places => {
  const names = [...(TABLES.whole.get(word) ?? [])];
  for (let length = MIN_STEM; length <= Math.min(MAX_STEM, word.length); length += 1)
    names.push(...(TABLES.begun.get(word.slice(0, length)) ?? []));
  if (names.length === 0) return NOWHERE;
  return [...new Set(names)].flatMap((name) => PLACES.get(name) ?? []).sort((a, b) => b.place - a.place);
};

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

/** The word in Latin letters where it is of both alphabets. */
export const plainWord = (word: string): string =>
  isMixed(word) ? Array.from(word, (char) => LOOKALIKES[char] ?? char).join('') : word;

const MAX_KEPT = 4096;
/** Kept over texts: most words come again. Begun anew when it is full. */
const kept = new Map<string, Places>();

/** Places of a word that has a letter beyond ASCII. */
export const foreignPlaces = (word: string): Places => {
  const known = kept.get(word);
  if (known !== undefined) return known;
  const places = lookUp(plainWord(word));
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(word, places);
  return places;
};
