/** What was found in one or both logs, as one answer: for programs, for people, and what to do next. */
import type { VerifyResult } from '@airlock/audit';
import { begunAnewText, NO_CODE_HINT, type BegunAnew, type BegunAnewLogs } from './begun-anew.js';
import { isTelling, removedHeads, unprovenText, type Kept, type Unproven } from './kept-heads.js';
import { keptText, type KeptDays } from './kept-days.js';
import { PUT_BACK_HINT, unrecordedText, type PutBack, type Unrecorded } from './put-back.js';
import type { Removed } from './removed.js';
import type { LogName } from './sources.js';

export type Results = Partial<Record<LogName, VerifyResult>>;

/** What each log tells of the other. */
export interface Traces {
  readonly begun: BegunAnewLogs;
  readonly removed: Removed;
  readonly putBack: PutBack;
}

/** AUDIT-32 */
export type Status = 'whole' | 'damaged' | 'unproven';

/** Of `audit verify` (docs/spec/errors.md). */
export const exitStatus = ({ ok }: Pick<Verdict, 'ok'>): number => (ok ? 0 : 7);

interface FirstBad {
  readonly log: string;
  /** Of a log's files, `heads`, or `--head` as it was given. */
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

export interface Verdict {
  /** Whether it is whole. */
  readonly ok: boolean;
  readonly status: Status;
  /** Logs that were checked against no signed head at all. */
  readonly unsigned?: readonly string[];
  /** AUDIT-33: logs whose heads are not by the key that was given. */
  readonly foreign?: readonly string[];
  readonly records: number;
  readonly checkpoints: number;
  readonly from?: Readonly<Record<string, number>>;
  /** AUDIT-29 */
  readonly retainDays?: KeptDays;
  /** ACCEPT-6 */
  readonly begunAnew?: readonly BegunAnew[];
  /** AUDIT-30: of copies only. */
  readonly unrecorded?: Unrecorded;
  readonly unproven?: readonly Unproven[];
  readonly firstBad?: FirstBad;
}

/** What was read, and what it was held against. */
export interface Evidence {
  readonly results: Results;
  readonly kept: readonly Kept[];
  /** Heads that were given and say nothing of these logs. */
  readonly useless: readonly Unproven[];
  /** Why no head of a log is by the key that was given; one that is not among the results was not read. */
  readonly foreign: Partial<Record<LogName, string>>;
  readonly traces: Traces;
  /** Days that this machine keeps; null for copies. */
  readonly configured: number | null;
  readonly isLive: boolean;
  /** By `--key`, so that the machine's own word on its keys does not count. */
  readonly areKeysGiven: boolean;
}

/** Hashes that were written down and that no log has; each belongs to one of the two. */
const missingHashes = (results: Results, kept: readonly Kept[]): readonly Kept[] => {
  const found = Object.values(results).flatMap(({ found = [] }) => found.map(({ hash }) => hash));
  return kept.filter((one) => isTelling(one) && !found.includes(one.hash ?? ''));
};

/** A hash does not say how many records it is of: where some were removed because of their age, it may be of those. */
const missingHash = (results: Results, [missing]: readonly Kept[]): FirstBad | undefined => {
  if (missing === undefined || Object.values(results).some(({ from }) => from !== undefined)) return undefined;
  const log = Object.keys(results).join(' and ');
  return { log, file: missing.name, line: 1, problem: 'no record ends with this hash' };
};

/** Of a log that was not read nobody knows which hashes it has. */
const wereAllRead = ({ results, foreign }: Evidence): boolean => Object.keys(foreign).every((log) => log in results);

const firstBadOf = (evidence: Evidence): FirstBad | undefined => {
  const { results, kept } = evidence;
  const bad = Object.entries(results).find(([, { ok }]) => !ok);
  if (bad?.[1].firstBad) return { log: bad[0], ...bad[1].firstBad };
  return wereAllRead(evidence) ? missingHash(results, missingHashes(results, kept)) : undefined;
};

type Unblamed = readonly (readonly [string, VerifyResult])[];

const lateText = (results: Unblamed): string =>
  results
    .flatMap(([log, { from }]) => (from === undefined ? [] : [`the ${log} log begins at record ${from.size + 1}`]))
    .join(' and ');

/** Results of logs that nothing speaks against: of one that is bad, what else is not proven goes without saying. */
const unblamed = (results: Results, firstBad: FirstBad | undefined): Unblamed =>
  Object.entries(results).filter(([log, { ok }]) => ok && firstBad?.log.split(' and ').includes(log) !== true);

/** Logs that were checked against no signed head at all. */
const unsignedLogs = (results: Unblamed): readonly string[] =>
  results.flatMap(([log, { checkpoints, found = [] }]) => (checkpoints + found.length === 0 ? [log] : []));

/** AUDIT-31: what no signature covers is only as good as whoever gave the files. */
const UNSIGNED = 'no signed head of it was met: one that was written anew would look the same';

const NOT_LOOKED_FOR = 'it was not looked for in every log, as none is read whose heads are not by the key that was given';

/** Hashes that no log has, and that are no sign of damage. */
const lostHashes = (evidence: Evidence, good: Unblamed): readonly Unproven[] => {
  const { results, kept } = evidence;
  // Of a bad log only what stands before the damage was read.
  if (good.length < Object.keys(results).length) return [];
  const missing = missingHashes(results, kept).map(({ name }) => name);
  if (!wereAllRead(evidence)) return missing.map((head) => ({ head, why: NOT_LOOKED_FOR }));
  const late = lateText(good);
  const why = `it proves nothing here: no record that is left ends with this hash, and ${late}: what it covers may have been removed because of its age (log_pruned)`;
  return late === '' ? [] : missing.map((head) => ({ head, why }));
};

const unprovenOf = (evidence: Evidence, good: Unblamed): readonly Unproven[] => {
  const { useless, foreign, isLive, areKeysGiven } = evidence;
  const unsigned = (isLive && !areKeysGiven ? [] : unsignedLogs(good)).filter((log) => !(log in foreign));
  return [
    ...useless,
    ...Object.entries(foreign).map(([log, why]) => ({ log, why })),
    ...good.flatMap(([log, result]) => removedHeads(log, result)),
    ...lostHashes(evidence, good),
    ...unsigned.map((log) => ({ log, why: UNSIGNED })),
  ];
};

/** What the gateway says of how it came by its start, and what this machine is told to keep. */
const keptDays = ({ gateway }: Results, removed: Removed, configured: number | null): KeptDays | undefined => {
  if (gateway?.from === undefined) return undefined;
  const said = removed.claimedDays(gateway.from);
  const ahead = removed.ahead(gateway.from);
  if (said === null) return undefined;
  return { said, ...(configured === null ? {} : { configured }), ...(ahead === null ? {} : { ahead }) };
};

const statusOf = (firstBad: FirstBad | undefined, unproven: readonly Unproven[]): Status => {
  if (firstBad !== undefined) return 'damaged';
  return unproven.length === 0 ? 'whole' : 'unproven';
};

export const verdictOf = (evidence: Evidence): Verdict => {
  const { results, traces, configured, isLive } = evidence;
  const begunAnew = traces.begun.all;
  const unrecorded = isLive || results.gateway === undefined || results.totp === undefined ? null : traces.putBack.unrecorded();
  const retainDays = keptDays(results, traces.removed, configured);
  const entries = Object.entries(results);
  const firstBad = firstBadOf(evidence);
  const good = unblamed(results, firstBad);
  const unproven = unprovenOf(evidence, good);
  const status = statusOf(firstBad, unproven);
  const [unsigned, foreign] = [unsignedLogs(good), Object.keys(evidence.foreign)];
  const late = good.flatMap(([log, { from }]) => (from === undefined ? [] : [[log, from.size + 1] as const]));
  return {
    ok: status === 'whole',
    status,
    records: entries.reduce((sum, [, { records }]) => sum + records, 0),
    checkpoints: entries.reduce((sum, [, { checkpoints }]) => sum + checkpoints, 0),
    ...(unsigned.length === 0 ? {} : { unsigned }),
    ...(foreign.length === 0 ? {} : { foreign }),
    ...(late.length === 0 ? {} : { from: Object.fromEntries(late) }),
    ...(retainDays === undefined ? {} : { retainDays }),
    ...(begunAnew.length === 0 ? {} : { begunAnew }),
    ...(unrecorded === null ? {} : { unrecorded }),
    ...(unproven.length === 0 ? {} : { unproven }),
    ...(firstBad === undefined ? {} : { firstBad }),
  };
};

const badText = ({ log, file, line, problem }: FirstBad): string => {
  const isGiven = file.startsWith('--head ');
  const place = file === 'heads' ? '' : isGiven ? `${file}: ` : `${file} line ${line}: `;
  return `DAMAGED: ${log} log${place === '' ? ': ' : ', '}${place}${problem}`;
};

const firstLine = ({ status, records, checkpoints, foreign = [], firstBad }: Verdict): string => {
  if (firstBad !== undefined) return badText(firstBad);
  const counted = `${records} records, ${checkpoints} signed heads`;
  if (foreign.length > 0)
    return `UNPROVEN: ${counted}; the heads of the ${foreign.join(' and ')} log are not by the key that was given`;
  return status === 'whole' ? `whole: ${counted}` : `UNPROVEN: nothing speaks against ${counted}, but not all is proven`;
};

export const verdictText = (verdict: Verdict): string => {
  const { from = {}, retainDays, begunAnew = [], unrecorded, unproven = [] } = verdict;
  return [
    firstLine(verdict),
    ...unproven.map(unprovenText),
    ...Object.entries(from).map(
      ([log, seq]) => `${log} log: from record ${seq} on; what stood before was removed because of its age (audit.retain_days)`,
    ),
    ...(retainDays === undefined ? [] : keptText(retainDays)),
    ...begunAnew.map(begunAnewText),
    ...(unrecorded === undefined ? [] : unrecordedText(unrecorded)),
  ].join('\n');
};

const DAMAGED_HINT =
  'the record was changed after it was written; keep the files, and treat what happened since the last good head as unknown';
const KEPT_HINT =
  'if the head is no younger than the copy and of this log, the record was changed after it was written: keep the files. A head of a log before audit accept holds of what was set aside (audit verify --dir)';
const HASH_HINT =
  'if the hash is mistyped, of another machine, of the other log, or of a log before audit accept, it says nothing; else the record was changed after it was written: keep the files';
const KEY_HINT =
  'is the key that was given of the machine that the files were copied from? If it is, the record was written anew under another key: keep the files';
/** Of heads that say nothing of what they were held against. */
export const UNPROVEN_HINT = 'look where the head that was given comes from, or give one that is newer: --head FILE';
const FOREIGN_HINT =
  'is the key that was given of this machine? If it is, the record was written anew under another key: keep the files of both logs. Without --key it is held against the keys that the machine has';
const UNSIGNED_HINT =
  "give a signed head of it: --head FILE, airlock-totp's file heads, copied before the logs, or head.note of an export";

const damagedHint = ({ file, problem }: FirstBad, { kept, traces, areKeysGiven }: Evidence): string => {
  if (traces.putBack.isFound) return PUT_BACK_HINT;
  if (traces.begun.isFound) return NO_CODE_HINT;
  if (areKeysGiven && problem.includes('no signature by a known key')) return KEY_HINT;
  const given = kept.find(({ name }) => file === name || problem.startsWith(`${name} `));
  if (given === undefined) return DAMAGED_HINT;
  return given.hash === null ? KEPT_HINT : HASH_HINT;
};

/** What to do next; null: nothing. */
export const verdictHint = ({ status, foreign = [], unproven = [], firstBad }: Verdict, evidence: Evidence): string | null => {
  if (firstBad !== undefined) return damagedHint(firstBad, evidence);
  if (status === 'whole') return null;
  if (foreign.length > 0) return FOREIGN_HINT;
  return unproven.some(({ head }) => head !== undefined) ? UNPROVEN_HINT : UNSIGNED_HINT;
};
