/**
 * Takes a cell's own credential out of what it answers.
 *
 * CELL-4  The credential's own value never stands in a result (raw, base64, hexadecimal or URL form): it is masked.
 *
 * Keys are looked at like values, and pieces in several strings (GUARD-13). Hidden characters between do not help. What an
 * upstream compresses, encrypts or encodes twice is not found.
 */
import type { Json } from '@airlock/protocol';
import { MASK_LIMITS } from './limits.js';
import { isClean, type Sought } from './clean.js';
import { keyApart, withoutHidden } from './neutralise.js';
import { formsOf, type Form } from './secret-forms.js';
import { holdsAny, rangesOf, replaceForm, searchOf, type Search } from './secret-search.js';
import { replaceFound, withoutOverlaps } from './secrets/found.js';
import { reachOf, splitMasker, type SplitForm } from './split.js';

export interface Masked {
  readonly value: Json;
  /** How often something was replaced. */
  readonly masked: number;
}

export type Mask = (value: Json) => Masked;

const { minCharsToShow, shownChars, minSplitChars, maxPieceChars } = MASK_LIMITS;

/** `sk-…wxyz` tells a human which key it was; a short secret shows nothing of itself. */
const markOf = (secret: string): string => {
  const chars = Array.from(secret);
  return chars.length >= minCharsToShow ? `[masked …${chars.slice(-shownChars).join('')}]` : '[masked]';
};

interface Finder {
  readonly forms: readonly { readonly form: Form; readonly mark: string }[];
  readonly search: Search;
  /** Mark of each secret, short ones too: those are masked only where they are the whole string. */
  readonly marks: ReadonlyMap<string, string>;
  /** Of those that are long enough to be looked for in pieces. */
  readonly split: readonly SplitForm[];
}

const finderOf = (secrets: readonly string[]): Finder => {
  // The longer one first: a password may contain the user name of another field.
  const distinct = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  const forms = distinct.flatMap((secret) => formsOf(secret).map((form) => ({ secret, form, mark: markOf(secret) })));
  const long = distinct.filter((secret) => secret.length >= minSplitChars && secret.length <= maxPieceChars);
  const marks = new Map(distinct.map((secret) => [secret, markOf(secret)]));
  const split = forms.filter(({ secret }) => long.includes(secret));
  return { forms, search: searchOf(forms.map(({ form }) => form)), split, marks };
};

const soughtIn = ({ marks, search, split }: Finder): Sought => ({
  whole: marks,
  longestWhole: Math.max(...[...marks.keys()].map((secret) => secret.length)),
  search,
  split: new Set(split.map(({ form }) => form)),
  reach: reachOf(split),
});

class Masking {
  readonly #finder: Finder;
  count = 0;

  constructor(finder: Finder) {
    this.#finder = finder;
  }

  mask(value: Json): Json {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'number') return this.#number(value);
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value)
      ? value.map((item: Json) => this.mask(item))
      : this.#object(value as Readonly<Record<string, Json>>);
  }

  #text(text: string): string {
    const { forms, marks } = this.#finder;
    const whole = marks.get(text);
    if (whole !== undefined) {
      this.count += 1;
      return whole;
    }
    // Nearly every text holds none of them.
    if (!holdsAny(text, this.#finder.search)) return this.#behindHidden(text);
    let masked = text;
    for (const { form, mark } of forms) {
      const replaced = replaceForm(masked, form, mark);
      masked = replaced.text;
      this.count += replaced.count;
    }
    return this.#behindHidden(masked);
  }

  /** A zero-width space in its middle does not save it. */
  #behindHidden(text: string): string {
    const plain = withoutHidden(text);
    if (plain === null) return text;
    const found = this.#finder.forms.flatMap(({ form, mark }) =>
      rangesOf(plain.text, form).map(({ from, to }) => ({
        ...{ from: plain.at[from] ?? 0, to: (plain.at[to - 1] ?? text.length - 1) + 1 },
        ...{ kind: 'key' as const, mark },
      })),
    );
    const kept = withoutOverlaps(found);
    this.count += kept.length;
    return replaceFound(text, kept);
  }

  /** A PIN that came back as a number. */
  #number(value: number): Json {
    const mark = this.#finder.marks.get(String(value));
    if (mark === undefined) return value;
    this.count += 1;
    return mark;
  }

  #object(members: Readonly<Record<string, Json>>): Json {
    const taken = new Set<string>();
    const entries = Object.entries(members).map(([key, member]): [string, Json] => [
      keyApart(this.#text(key), taken),
      this.mask(member),
    ]);
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries(entries);
  }
}

/** Prepares the masking of these secrets; the patterns are made once. */
export const newMask = (secrets: readonly string[]): Mask => {
  const finder = finderOf(secrets);
  if (finder.marks.size === 0) return (value) => ({ value, masked: 0 });
  const [mask, sought] = [thorough(finder), soughtIn(finder)];
  // Nearly every value is clean.
  return (value) => (isClean(value, sought) ? { value, masked: 0 } : mask(value));
};

/** The same without the first look, which tests compare with. */
export const newThoroughMask = (secrets: readonly string[]): Mask => thorough(finderOf(secrets));

const thorough = (finder: Finder): Mask => {
  const splitMask = splitMasker(finder.split);
  return (value) => {
    const masking = new Masking(finder);
    const whole = masking.mask(value);
    const pieces = splitMask(whole);
    return { value: pieces.value, masked: masking.count + pieces.masked };
  };
};

/** The value with every trace of the secrets replaced, or the value itself where there is none, and how many there were. */
export const maskValues = (value: Json, secrets: readonly string[]): Masked => newMask(secrets)(value);
