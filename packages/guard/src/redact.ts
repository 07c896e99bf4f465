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
import { replaceFound, startsOf, withoutOverlaps, type CodeKind, type Found, type SecretKind } from './secrets/found.js';
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

const findAll = (text: string, options: Redaction): Found[] => {
  const starts = startsOf(text);
  return [
    ...findTokens(text, starts),
    ...findAddresses(text),
    ...findNumbers(text, starts),
    ...(options.links === true ? findAssigned(text).filter(({ from }) => !isInLink(text, from)) : findAssigned(text)),
    ...(options.codes === true ? findCodesAndLinks(text, starts) : []),
    ...(options.emails === true ? findEmails(text) : []),
    ...(options.phones === true ? findPhones(text) : []),
  ];
};

/** A hidden character between does not save a secret: it is looked for without them too. */
const findHiddenToo = (text: string, options: Redaction): Found[] => {
  const found = findAll(text, options);
  const plain = withoutHidden(text);
  if (plain === null) return found;
  const behind = findAll(plain.text, options).map((one) => ({
    ...one,
    from: plain.at[one.from] ?? 0,
    to: (plain.at[one.to - 1] ?? text.length - 1) + 1,
  }));
  return [...behind, ...found];
};

/** Secrets in one text, in order, without overlaps. Linear in the text. */
export const findSecrets = (text: string, options: Redaction = {}): Found[] => {
  if (text.length < MIN_CHARS) return [];
  const found = findHiddenToo(text, options).filter(({ kind }) => options.except?.includes(kind as SecretKind) !== true);
  return withoutOverlaps(found);
};

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
    if (Array.isArray(value)) return value.map((item: Json) => this.value(item, name));
    const taken = new Set<string>();
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [keyApart(this.#text(key, ''), taken), this.value(member, key)]),
    );
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

  #find(text: string, name: string): Found[] {
    const found = [...(name === '' ? [] : this.#member(name, text)), ...findSecrets(text, this.#options)];
    return withoutOverlaps(this.#identifiers.has(name) ? found.filter(({ kind }) => !BY_DIGITS.has(kind)) : found);
  }

  #member(name: string, text: string): Found[] {
    return findInMember(name, text).filter(({ kind }) => this.#options.except?.includes(kind as SecretKind) !== true);
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

/** The value with every secret masked that was asked for. The input is not changed. */
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
