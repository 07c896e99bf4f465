/**
 * Heads that somebody kept, which the record must contain: `--head`, signed notes and hashes that were written down.
 *
 * AUDIT-32  one that says nothing of these logs is told as that: it is no sign that they were changed, and no proof of them.
 */
import { parseSignedHead, verifySignedHead, type KeptHead, type SignedHead, type VerifyResult } from '@airlock/audit';
import { asAirlockError, AirlockError } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import type { LogName } from './sources.js';

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
const EXPECTED = '64 hexadecimal digits, or a file with a signed note';

const headsIn = (path: string): readonly SignedHead[] => {
  const text = readSmall(path, '--head', EXPECTED);
  try {
    return [parseSignedHead(text)];
  } catch (thrown) {
    throw unreadable('--head', path, EXPECTED, ` (${asAirlockError(thrown).message})`);
  }
};

/** `--head`: 64 hexadecimal digits, or a file with a signed note. @throws AirlockError PARAMS_INVALID */
export const parseKept = (given: readonly string[]): readonly Kept[] =>
  given.map((one) => {
    const name = `--head ${one}`;
    return HASH.test(one) ? { name, hash: one.toLowerCase(), heads: [] } : { name, hash: null, heads: headsIn(one) };
  });

/** The hashes among them. */
export const hashesOf = (kept: readonly Kept[]): readonly string[] => kept.flatMap(({ hash }) => (hash === null ? [] : [hash]));

type Keys = Partial<Readonly<Record<LogName, string>>>;

/** Whose log a head is of; else why it says nothing of these. */
const fitOf = ({ origin, note }: SignedHead, keys: Keys): { readonly log: LogName } | { readonly why: string } => {
  const log = (['gateway', 'totp'] as const).find((one) => origin === `airlock-${one}`);
  const key = log === undefined ? undefined : keys[log];
  if (log === undefined || key === undefined)
    return { why: `it is a head of ${origin}, whose log is not here: is it of another log, or of another machine?` };
  try {
    verifySignedHead([key], note);
    return { log };
  } catch (thrown) {
    const { message } = asAirlockError(thrown);
    return { why: `${message.replace(/^signed head: /, '')}: is it mistyped, of another machine, or of other keys?` };
  }
};

/** What was given, by the log that has to contain it. */
export interface Sorted {
  readonly byLog: Readonly<Record<LogName, readonly KeptHead[]>>;
  readonly useless: readonly Unproven[];
}

/** @param keys of the logs that are there. Pure. */
export const sortKept = (kept: readonly Kept[], keys: Keys): Sorted => {
  const all = kept.flatMap(({ name, heads }) => heads.map((head) => ({ name, note: head.note, fit: fitOf(head, keys) })));
  const of = (log: LogName): readonly KeptHead[] =>
    all.flatMap(({ name, note, fit }) => ('log' in fit && fit.log === log ? [{ name, note }] : []));
  return {
    byLog: { gateway: of('gateway'), totp: of('totp') },
    useless: all.flatMap(({ name, fit }) => ('why' in fit ? [{ head: name, why: fit.why }] : [])),
  };
};

/** AUDIT-26: heads of what was removed because of its age. Pure. */
export const removedHeads = (log: string, { before = [], from }: VerifyResult): readonly Unproven[] =>
  before.map(({ name, size }) => ({
    ...{ head: name, log },
    why: `it proves nothing here: it is of ${size} records, and the log begins at record ${(from?.size ?? 0) + 1}; what it covers was removed because of its age (log_pruned)`,
  }));
