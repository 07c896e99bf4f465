/** What was found in one or both logs, as one answer: for programs, for people, and what to do next. */
import type { VerifyResult } from '@airlock/audit';
import type { Kept } from './kept-heads.js';
import { keptText, type KeptDays } from './kept-days.js';
import { PUT_BACK_HINT, unrecordedText, type PutBack, type Unrecorded } from './put-back.js';
import type { BegunAnew, Removed } from './removed.js';
import type { LogName } from './sources.js';

export type Results = Partial<Record<LogName, VerifyResult>>;

/** What each log tells of the other. */
export interface Traces {
  readonly removed: Removed;
  readonly putBack: PutBack;
}

export interface Verdict {
  readonly ok: boolean;
  /** Logs that were checked against no signed head at all. */
  readonly unsigned?: readonly string[];
  readonly records: number;
  readonly checkpoints: number;
  readonly from?: Readonly<Record<string, number>>;
  /** AUDIT-29 */
  readonly retainDays?: KeptDays;
  /** ACCEPT-6 */
  readonly begunAnew?: readonly BegunAnew[];
  /** AUDIT-30: of copies only. */
  readonly unrecorded?: Unrecorded;
  readonly firstBad?: { readonly log: string; readonly file: string; readonly line: number; readonly problem: string };
}

/** A hash that somebody wrote down belongs to one of the two logs. */
const missingHash = (results: Results, { hashes }: Kept): Verdict['firstBad'] => {
  const found = Object.values(results).flatMap(({ found = [] }) => found.map(({ hash }) => hash));
  const at = hashes.findIndex((hash) => !found.includes(hash));
  if (at < 0) return undefined;
  return {
    log: Object.keys(results).join(' and '),
    file: '--head',
    line: at + 1,
    problem: `no record ends with the hash ${hashes[at] ?? ''}`,
  };
};

/** What the gateway says of how it came by its start, and what this machine is told to keep. */
const keptDays = ({ gateway }: Results, removed: Removed, configured: number | null): KeptDays | undefined => {
  const said = gateway?.from === undefined ? null : removed.claimedDays(gateway.from);
  if (said === null) return undefined;
  return { said, ...(configured === null ? {} : { configured }) };
};

/** @param configured days that this machine keeps; null for copies */
export const verdictOf = (
  results: Results,
  kept: Kept,
  { removed, putBack }: Traces,
  configured: number | null,
  isLive: boolean,
): Verdict => {
  const { begunAnew } = removed;
  const unrecorded = isLive || results.gateway === undefined || results.totp === undefined ? null : putBack.unrecorded();
  const retainDays = keptDays(results, removed, configured);
  const entries = Object.entries(results);
  const bad = entries.find(([, { ok }]) => !ok);
  const firstBad = bad?.[1].firstBad ? { log: bad[0], ...bad[1].firstBad } : missingHash(results, kept);
  const unsigned = entries.filter(([, { checkpoints, found = [] }]) => checkpoints + found.length === 0).map(([log]) => log);
  const late = entries.flatMap(([log, { from }]) => (from === undefined ? [] : [[log, from.size + 1] as const]));
  return {
    ok: bad === undefined && firstBad === undefined,
    records: entries.reduce((sum, [, { records }]) => sum + records, 0),
    checkpoints: entries.reduce((sum, [, { checkpoints }]) => sum + checkpoints, 0),
    ...(unsigned.length === 0 ? {} : { unsigned }),
    ...(late.length === 0 ? {} : { from: Object.fromEntries(late) }),
    ...(retainDays === undefined ? {} : { retainDays }),
    ...(begunAnew.length === 0 ? {} : { begunAnew }),
    ...(unrecorded === null ? {} : { unrecorded }),
    ...(firstBad === undefined ? {} : { firstBad }),
  };
};

export const verdictText = ({
  ok,
  records,
  checkpoints,
  from,
  retainDays,
  begunAnew = [],
  unrecorded,
  firstBad,
}: Verdict): string =>
  [
    ok
      ? `whole: ${records} records, ${checkpoints} signed heads`
      : `DAMAGED: ${firstBad?.log ?? ''} log, ${firstBad?.file ?? ''} line ${firstBad?.line ?? 0}: ${firstBad?.problem ?? ''}`,
    ...Object.entries(from ?? {}).map(
      ([log, seq]) => `${log} log: from record ${seq} on; what stood before was removed because of its age (audit.retain_days)`,
    ),
    ...(retainDays === undefined ? [] : keptText(retainDays)),
    ...begunAnew.map(
      ({ log, at, size, setAside }) =>
        `log of ${log}: begun anew with a code at ${at}; ${size} records before that were signed, and are proven only from ${setAside}`,
    ),
    ...(unrecorded === undefined ? [] : unrecordedText(unrecorded)),
  ].join('\n');

const DAMAGED_HINT =
  'the record was changed after it was written; keep the files, and treat what happened since the last good head as unknown';
/** What no signature covers is only as good as whoever gave the files. */
const UNSIGNED_HINT =
  'no signed head was given or found, so only the chain itself was checked: a log written anew would pass; --head FILE';

/** What to do next; null: nothing. */
export const verdictHint = ({ ok, unsigned }: Verdict, { putBack }: Traces, isLive: boolean): string | null => {
  if (!ok) return putBack.isFound ? PUT_BACK_HINT : DAMAGED_HINT;
  return isLive || unsigned === undefined ? null : `${unsigned.join(' and ')} log: ${UNSIGNED_HINT}`;
};
