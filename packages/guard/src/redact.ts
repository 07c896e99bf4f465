/**
 * Masks secrets of others in a value: whatever a service answers with, however deep it stands.
 *
 * GUARD-6  strings of nested objects and arrays are masked, keys included; numbers that are cards too. What is masked
 *          stays masked: a second pass changes nothing.
 */
import type { Json } from '@airlock/protocol';
import { findCodesAndLinks } from './codes.js';
import { keyApart, withoutHidden } from './neutralise.js';
import { findAddresses } from './secrets/addresses.js';
import { findAssigned, findInMember } from './secrets/assigned.js';
import { findEmails, findPhones } from './secrets/contacts.js';
import { replaceFound, withoutOverlaps, type CodeKind, type Found, type SecretKind } from './secrets/found.js';
import { lookAt, SEEN, tokenStarts, type Look } from './secrets/look.js';
import { findNumbers } from './secrets/numbers.js';
import { findTokens } from './secrets/tokens.js';

/** What is masked. Left out: the default. */
export interface Redaction {
  /** Also e-mail addresses; default false. */
  readonly emails?: boolean;
  /** Also telephone numbers; default false. */
  readonly phones?: boolean;
  /** Also one-time codes and links that sign in; default false. */
  readonly codes?: boolean;
  /** Web addresses keep what only its name in a query makes a secret, such as `pwd=`: else nobody could follow them. */
  readonly links?: boolean;
  /** Kinds that are left as they are. */
  readonly except?: readonly SecretKind[];
  /** Members that name things, such as `id`: numbers and codes in them stay, or nothing could be asked for by them. */
  readonly identifiers?: readonly string[];
}

export interface Redacted {
  readonly value: Json;
  /** How often something was replaced. */
  readonly masked: number;
  /** The same by kind. */
  readonly kinds: Readonly<Partial<Record<SecretKind | CodeKind, number>>>;
}

export type { CodeKind, SecretKind } from './secrets/found.js';

/** What `identifiers` spares: what is found by its digits alone. */
const BY_DIGITS: ReadonlySet<string> = new Set(['card', 'ssn', 'phone', 'code', 'iban']);
/** Shorter strings hold nothing that is looked for. */
const MIN_CHARS = 4;
/** What stood glued to a secret begins anew behind its mark. */
const MAX_PASSES = 8;

/** An address is not followed further back. */
const MAX_LINK = 2048;

/** True where the word around `at` is a web address. */
const isInLink = (text: string, at: number): boolean => {
  let from = at;
  while (from > 0 && at - from < MAX_LINK && text.charAt(from - 1) > ' ' && !'"\'<>()'.includes(text.charAt(from - 1))) from -= 1;
  return /^https?:\/\//i.test(text.slice(from, from + 8));
};

const NONE: readonly Found[] = [];

const assignedIn = (look: Look, options: Redaction): readonly Found[] => {
  if (look.signs.length === 0 && look.runs.length === 0) return NONE;
  const found = findAssigned(look);
  return options.links === true ? found.filter(({ from }) => !isInLink(look.text, from)) : found;
};

/** Each finder is asked only where the look has seen what it needs. */
const findAll = (look: Look, options: Redaction): readonly Found[] => {
  const { text, seen, words } = look;
  const hasDigit = (seen & SEEN.digit) !== 0;
  const all = [
    look.runs.length > 0 ? findTokens(text, tokenStarts(look)) : NONE,
    findAddresses(look),
    hasDigit ? findNumbers(text, words) : NONE,
    assignedIn(look, options),
    options.codes === true ? findCodesAndLinks(look) : NONE,
    options.emails === true && (seen & SEEN.at) !== 0 ? findEmails(text) : NONE,
    options.phones === true && hasDigit ? findPhones(text) : NONE,
  ].filter((found) => found.length > 0);
  return all.length === 0 ? NONE : all.flat();
};

/** A hidden character between does not save a secret: it is looked for without them too. */
const findHiddenToo = (text: string, options: Redaction): readonly Found[] => {
  const look = lookAt(text);
  const found = findAll(look, options);
  const plain = (look.seen & SEEN.odd) === 0 ? null : withoutHidden(text);
  if (plain === null) return found;
  const behind = findAll(lookAt(plain.text), options).map((one) => ({
    ...one,
    from: plain.at[one.from] ?? 0,
    to: (plain.at[one.to - 1] ?? text.length - 1) + 1,
  }));
  return [...behind, ...found];
};

/** Secrets in one text, in order, without overlaps. Linear in the text. */
export const findSecrets = (text: string, options: Redaction = {}): readonly Found[] =>
  text.length < MIN_CHARS ? NONE : withoutOverlaps(without(findHiddenToo(text, options), options));

const without = (found: readonly Found[], { except }: Redaction): readonly Found[] =>
  found.length === 0 || except === undefined ? found : found.filter(({ kind }) => !except.includes(kind as SecretKind));

class Redacting {
  readonly #options: Redaction;
  readonly #identifiers: ReadonlySet<string>;
  readonly kinds: Partial<Record<SecretKind | CodeKind, number>> = {};
  masked = 0;

  constructor(options: Redaction) {
    this.#options = options;
    this.#identifiers = new Set(options.identifiers ?? []);
  }

  value(value: Json, name = ''): Json {
    if (typeof value === 'string') return this.#text(value, name);
    if (typeof value === 'number') return this.#number(value, name);
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value) ? this.#array(value, name) : this.#object(value as Readonly<Record<string, Json>>);
  }

  /** The array itself where nothing of it was masked. */
  #array(items: readonly Json[], name: string): Json {
    let masked: Json[] | null = null;
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] ?? null;
      const now = this.value(item, name);
      if (now !== item) (masked ??= items.slice())[i] = now;
    }
    return masked ?? items;
  }

  /** The object itself where nothing of it was masked. */
  #object(members: Readonly<Record<string, Json>>): Json {
    const entries: [string, Json][] = [];
    let isSame = true;
    for (const [key, member] of Object.entries(members)) {
      const [name, now] = [this.#text(key, ''), this.value(member, key)];
      isSame &&= name === key && now === member;
      entries.push([name, now]);
    }
    if (isSame) return members;
    const taken = new Set<string>();
    return Object.fromEntries(entries.map(([name, now]) => [keyApart(name, taken), now]));
  }

  #text(text: string, name: string): string {
    let masked = text;
    for (let pass = 0; pass < MAX_PASSES; pass += 1) {
      const found = this.#find(masked, name);
      if (found.length === 0) break;
      for (const { kind } of found) this.#count(kind);
      masked = replaceFound(masked, found);
    }
    return masked;
  }

  #find(text: string, name: string): readonly Found[] {
    const secrets = findSecrets(text, this.#options);
    const whole = name === '' ? NONE : without(findInMember(name, text), this.#options);
    const found = whole.length === 0 ? secrets : [...whole, ...secrets];
    if (found.length === 0) return found;
    return withoutOverlaps(this.#identifiers.has(name) ? found.filter(({ kind }) => !BY_DIGITS.has(kind)) : found);
  }

  /** A card that came as a number. */
  #number(value: number, name: string): Json {
    if (!Number.isSafeInteger(value) || value < 1e11) return value;
    const text = this.#text(String(value), name);
    return text === String(value) ? value : text;
  }

  #count(kind: SecretKind | CodeKind): void {
    this.masked += 1;
    this.kinds[kind] = (this.kinds[kind] ?? 0) + 1;
  }
}

/** The value with every secret masked that was asked for, and the value itself where there is none. The input is not changed. */
export const redactValue = (value: Json, options: Redaction = {}): Redacted => {
  const redacting = new Redacting(options);
  const redacted = redacting.value(value);
  return { value: redacted, masked: redacting.masked, kinds: redacting.kinds };
};

/** One text with its secrets masked. */
export const redactText = (text: string, options: Redaction = {}): string => {
  const { value } = redactValue(text, options);
  return typeof value === 'string' ? value : '';
};
