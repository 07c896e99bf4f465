/**
 * Takes a cell's own credential out of what it answers.
 *
 * CELL-4  The credential's own value never stands in a result (raw, base64, hexadecimal or URL form): it is masked.
 *
 * Keys are looked at like values. What an upstream cuts into pieces or encrypts is not found.
 */
import type { Json } from '@airlock/protocol';
import { MASK_LIMITS } from './limits.js';
import { formsOf, replaceForm, type Form } from './secret-forms.js';

export interface Masked {
  readonly value: Json;
  /** How often something was replaced. */
  readonly masked: number;
}

export type Mask = (value: Json) => Masked;

const { minCharsToShow, shownChars } = MASK_LIMITS;

/** `sk-…wxyz` tells a human which key it was; a short secret shows nothing of itself. */
const markOf = (secret: string): string => {
  const chars = Array.from(secret);
  return chars.length >= minCharsToShow ? `[masked …${chars.slice(-shownChars).join('')}]` : '[masked]';
};

interface Finder {
  readonly forms: readonly { readonly form: Form; readonly mark: string }[];
  /** Mark of each secret, short ones too: those are masked only where they are the whole string. */
  readonly marks: ReadonlyMap<string, string>;
}

const finderOf = (secrets: readonly string[]): Finder => {
  // The longer one first: a password may contain the user name of another field.
  const distinct = [...new Set(secrets)].filter((secret) => secret !== '').sort((a, b) => b.length - a.length);
  const forms = distinct.flatMap((secret) => formsOf(secret).map((form) => ({ form, mark: markOf(secret) })));
  return { forms, marks: new Map(distinct.map((secret) => [secret, markOf(secret)])) };
};

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
    let masked = text;
    for (const { form, mark } of forms) {
      const replaced = replaceForm(masked, form, mark);
      masked = replaced.text;
      this.count += replaced.count;
    }
    return masked;
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
    const entries = Object.entries(members).map(([key, member]): [string, Json] => [this.#key(key, taken), this.mask(member)]);
    // Not by assignment: a key may be called __proto__.
    return Object.fromEntries(entries);
  }

  /** Two keys that look alike once masked stay two. */
  #key(key: string, taken: Set<string>): string {
    const masked = this.#text(key);
    let name = masked;
    for (let n = 2; taken.has(name); n += 1) name = `${masked} (${n})`;
    taken.add(name);
    return name;
  }
}

/** Prepares the masking of these secrets; the patterns are made once. */
export const newMask = (secrets: readonly string[]): Mask => {
  const finder = finderOf(secrets);
  if (finder.marks.size === 0) return (value) => ({ value, masked: 0 });
  return (value) => {
    const masking = new Masking(finder);
    const result = masking.mask(value);
    return { value: result, masked: masking.count };
  };
};

/** The value with every trace of the secrets replaced, and how many there were. The input is not changed. */
export const maskValues = (value: Json, secrets: readonly string[]): Masked => newMask(secrets)(value);
