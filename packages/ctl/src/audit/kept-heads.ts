/**
 * Heads that somebody kept, which the record must contain: `--head`, signed notes and hashes that were written down.
 *
 * AUDIT-32  one that says nothing of these logs is told as that: it is no sign that they were changed, and no proof of them.
 */
import { EMPTY_HEAD, parseSignedHead, verifySignedHead, type KeptHead, type SignedHead, type VerifyResult } from '@airlock/audit';
import { asAirlockError, AirlockError } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { LOGS, type LogName } from './sources.js';

/** One `--head`. */
export interface Kept {
  /** As it was given. */
  readonly name: string;
  /** 64 hexadecimal digits, where that is all that was written down. */
  readonly hash: string | null;
  readonly heads: readonly SignedHead[];
}

/** Why something is not proven, by name of the head that was given or of the log. */
export interface Unproven {
  readonly head?: string;
  readonly log?: string;
  readonly why: string;
}

/** Pure. */
export const unprovenText = ({ head, log, why }: Unproven): string =>
  [log === undefined ? '' : `${log} log`, head ?? ''].filter((one) => one !== '').join(', ') + `: ${why}`;

/** A key or note is a few hundred bytes; whatever is far larger was named by mistake. */
const MAX_NOTE_BYTES = 16_384;

/** A file that is not what its flag names. */
export const unreadable = (flag: string, path: string, expected: string, why = ''): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${flag}: ${path} cannot be read as ${expected}${why}`, {
    field: flag,
    expected,
    found: path,
  });

/** @throws AirlockError PARAMS_INVALID */
export const readSmall = (path: string, flag: string, expected: string): string => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= MAX_NOTE_BYTES) return text;
  } catch {
    // Told below.
  }
  throw unreadable(flag, path, expected);
};

const HASH = /^[0-9a-f]{64}$/i;
const EXPECTED = "64 hexadecimal digits, or a file with a signed note, or airlock-totp's file heads";

/** A signed note, or the newest ones of both logs as airlock-totp keeps them. */
const notesIn = (text: string): readonly string[] => {
  if (!text.startsWith('{')) return [text];
  const notes = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return LOGS.map((log) => notes[`airlock-${log}`]).filter((note) => typeof note === 'string');
};

const headsIn = (path: string): readonly SignedHead[] => {
  const text = readSmall(path, '--head', EXPECTED);
  let why = '';
  try {
    const heads = notesIn(text).map(parseSignedHead);
    if (heads.length > 0) return heads;
  } catch (thrown) {
    why = thrown instanceof AirlockError ? ` (${thrown.message})` : '';
  }
  throw unreadable('--head', path, EXPECTED, why);
};

/** `--head`: 64 hexadecimal digits, or a file with signed notes. @throws AirlockError PARAMS_INVALID */
export const parseKept = (given: readonly string[]): readonly Kept[] =>
  given.map((one) => {
    const name = `--head ${one}`;
    return HASH.test(one) ? { name, hash: one.toLowerCase(), heads: [] } : { name, hash: null, heads: headsIn(one) };
  });

/** Whether it is a hash that some log has and another has not. */
export const isTelling = ({ hash }: Kept): boolean => hash !== null && hash !== EMPTY_HEAD.hash;

/** The hashes among them. */
export const hashesOf = (kept: readonly Kept[]): readonly string[] =>
  kept.filter(isTelling).flatMap(({ hash }) => (hash === null ? [] : [hash]));

type Keys = Partial<Readonly<Record<LogName, string>>>;

/** `isMoot`: not worth telling where another head of the same file fits. */
type Fit = { readonly log: LogName } | { readonly why: string; readonly isMoot: boolean };

const OF_NOTHING = 'it is the head of no records at all, with which every log begins: it proves nothing';

/** Whose log a head is of; else why it says nothing of these. */
const fitOf = ({ origin, size, note }: SignedHead, keys: Keys): Fit => {
  const log = LOGS.find((one) => origin === `airlock-${one}`);
  const key = log === undefined ? undefined : keys[log];
  if (log === undefined || key === undefined)
    return {
      why: `it is a head of ${origin}, whose log is not here: is it of another log, or of another machine?`,
      isMoot: true,
    };
  if (size === EMPTY_HEAD.size) return { why: OF_NOTHING, isMoot: true };
  try {
    verifySignedHead([key], note);
    return { log };
  } catch (thrown) {
    const message = asAirlockError(thrown).message.replace(/^signed head: /, '');
    return { why: `${message}: is it mistyped, of another machine, or of other keys?`, isMoot: false };
  }
};

interface Fitted {
  readonly name: string;
  readonly heads: readonly { readonly note: string; readonly fit: Fit }[];
}

/** Why one that was given says nothing; of the heads in a file one is enough to be of a log that is here. */
const uselessIn = ({ name, heads }: Fitted): readonly Unproven[] => {
  const isOfThese = heads.some(({ fit }) => 'log' in fit);
  return heads.flatMap(({ fit }) => ('log' in fit || (isOfThese && fit.isMoot) ? [] : [{ head: name, why: fit.why }]));
};

/** What was given, by the log that has to contain it. */
export interface Sorted {
  readonly byLog: Readonly<Record<LogName, readonly KeptHead[]>>;
  readonly useless: readonly Unproven[];
}

/** @param keys of the logs that are there. Pure. */
export const sortKept = (kept: readonly Kept[], keys: Keys): Sorted => {
  const all: readonly Fitted[] = kept.map(({ name, heads }) => ({
    name,
    heads: heads.map((head) => ({ note: head.note, fit: fitOf(head, keys) })),
  }));
  const of = (log: LogName): readonly KeptHead[] =>
    all.flatMap(({ name, heads }) => heads.flatMap(({ note, fit }) => ('log' in fit && fit.log === log ? [{ name, note }] : [])));
  return {
    byLog: { gateway: of('gateway'), totp: of('totp') },
    useless: [
      ...all.flatMap(uselessIn),
      ...kept.filter(({ hash }) => hash === EMPTY_HEAD.hash).map(({ name }) => ({ head: name, why: OF_NOTHING })),
    ],
  };
};

/** AUDIT-26: heads of what was removed because of its age. Pure. */
export const removedHeads = (log: string, { before = [], from }: VerifyResult): readonly Unproven[] =>
  before.map(({ name, size }) => ({
    ...{ head: name, log },
    why: `it proves nothing here: it is of ${size} records, and the log begins at record ${(from?.size ?? 0) + 1}; what it covers was removed because of its age (log_pruned)`,
  }));
