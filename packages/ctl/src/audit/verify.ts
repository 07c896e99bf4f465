/** audit verify: is the record whole, over the sockets or over copied files, with public keys alone. */
import { parsePublicKey, parseSignedHead, verifyLog, type VerifyOptions, type VerifyResult } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listOption, textOption, type Invocation } from '../commands/command.js';
import { approvePath, ask, operatorPath, withSocket, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { bundleText, verifyBundle, type KeyOf } from './bundle.js';
import { readBundle } from './bundle-files.js';
import { configuredDays, keptText, type KeptDays } from './kept-days.js';
import { Removed, type BegunAnew } from './removed.js';
import { copiedLog, keptKey, LOGS, withServedLog, type LogBytes, type LogName } from './sources.js';

/** What somebody kept of an earlier state, to be found in the log: signed notes, and hashes without a signature. */
interface Kept {
  readonly notes: readonly string[];
  readonly hashes: readonly string[];
}

/** A key or note is a few hundred bytes; whatever is far larger was named by mistake. */
const MAX_NOTE_BYTES = 16_384;

const readSmall = (path: string, flag: string, expected: string): string => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= MAX_NOTE_BYTES) return text;
  } catch {
    // Told below.
  }
  throw new AirlockError('PARAMS_INVALID', `${flag}: ${path} cannot be read as ${expected}`, {
    field: flag,
    expected,
    found: path,
  });
};

const HASH = /^[0-9a-f]{64}$/i;

/** `--head`: 64 hexadecimal digits, or a file with a signed note. @throws AirlockError PARAMS_INVALID */
export const parseKept = (given: readonly string[]): Kept => {
  const kept = { notes: [] as string[], hashes: [] as string[] };
  for (const one of given) {
    if (HASH.test(one)) {
      kept.hashes.push(one.toLowerCase());
      continue;
    }
    const text = readSmall(one, '--head', '64 hexadecimal digits, or a file with a signed note');
    parseSignedHead(text);
    kept.notes.push(text);
  }
  return kept;
};

/** Percent on a terminal; elsewhere and with --json nothing is said. */
const progressOf = (context: Context, log: LogName, total: number): ((bytes: number, records: number) => void) => {
  const { terminal, json } = context;
  if (json || !terminal.isTerminal) return () => undefined;
  let shown = 0;
  return (bytes, records) => {
    const percent = Math.min(100, Math.floor((bytes * 100) / Math.max(1, total)));
    if (percent === shown) return;
    shown = percent;
    // ECMA-48 §8.3.41: the rest of the line is erased; at the end the line goes away.
    terminal.err(percent === 100 ? '\r\u001b[K' : `\r\u001b[K${log} log: ${percent} %, ${records} records`);
  };
};

const isOf = (key: string, head: string): boolean => parsePublicKey(key).name === parseSignedHead(head).origin;

const verifyBytes = (
  context: Context,
  log: LogName,
  { segments, bytes }: LogBytes,
  heads: readonly string[],
  key: string,
  hashes: readonly string[],
  own: Pick<VerifyOptions, 'origin' | 'onRecord'>,
): Promise<VerifyResult> =>
  verifyLog({
    segments,
    ...own,
    heads: heads.filter((head) => isOf(key, head)),
    publicKeys: [key],
    hashes,
    onProgress: progressOf(context, log, bytes),
  });

type Results = Partial<Record<LogName, VerifyResult>>;

const learning = (removed: Removed, log: LogName): Required<Pick<VerifyOptions, 'onRecord'>> => ({
  onRecord: (event, line) => (log === 'totp' ? removed.countersigned(event, line) : removed.said(event, line)),
});

/** AUDIT-28: both logs were read. */
const heldAgainst = (removed: Removed, results: Results): Results => {
  const { gateway } = results;
  const young = gateway?.ok === true && gateway.from !== undefined ? removed.tooYoung(gateway.from) : null;
  return gateway === undefined || young === null ? results : { ...results, gateway: { ...gateway, ok: false, firstBad: young } };
};

/** A fresh head first, so that the newest records are covered too; a sealed log is verified as far as it goes. */
const checkpoint = async (link: Link): Promise<void> => {
  try {
    await ask(link, 'audit.checkpoint');
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
  }
};

const verifyServed = async (context: Context, { notes, hashes }: Kept, removed: Removed): Promise<Results> => {
  await withSocket(operatorPath(context), checkpoint);
  const { heads } = await withSocket(approvePath(context), (link) => ask<{ heads: readonly string[] }>(link, 'heads'));
  const verify = (log: LogName): Promise<VerifyResult> =>
    withServedLog(context, log, (bytes) =>
      verifyBytes(context, log, bytes, [...heads, ...notes], keptKey(context, log), hashes, learning(removed, log)),
    );
  return heldAgainst(removed, { gateway: await verify('gateway'), totp: await verify('totp') });
};

/** Keys given as files, by the log they sign; else those that root has kept. */
const keysFor = (context: Context, files: readonly string[]): KeyOf => {
  const keys = files.map((file) => readSmall(file, '--key', 'a public key, name+id+base64').trim());
  return (log) => {
    if (keys.length === 0) return keptKey(context, log);
    const key = keys.find((one) => parsePublicKey(one).name === `airlock-${log}`);
    if (key !== undefined) return key;
    throw new AirlockError('PARAMS_INVALID', `--key: none is of ${log === 'export' ? '' : 'the log '}airlock-${log}`, {
      field: '--key',
      expected: `the key of airlock-${log}`,
      found: keys.map((one) => parsePublicKey(one).name).join(', '),
    });
  };
};

/** `DIR/gateway` and `DIR/totp`, or DIR itself, a copy of the log that --log names. */
const copiesIn = (dir: string, named: string | undefined): readonly { readonly log: LogName; readonly bytes: LogBytes }[] => {
  const both = LOGS.flatMap((log) => {
    const bytes = copiedLog(join(dir, log));
    return bytes === null ? [] : [{ log, bytes }];
  });
  if (both.length > 0) return both;
  const bytes = copiedLog(dir);
  const log = LOGS.find((one) => one === named || (named === undefined && basename(dir).includes(one)));
  if (bytes !== null && log !== undefined) return [{ log, bytes }];
  throw new AirlockError('NOT_FOUND', bytes === null ? `there are no log files in ${dir}` : `whose log ${dir} is, is not known`, {
    field: '--dir',
    expected: 'a directory with gateway/ or totp/, or with YYYY-MM-DD.jsonl files and --log gateway or --log totp',
    found: dir,
  });
};

const verifyCopies = async (
  context: Context,
  invocation: Invocation,
  dir: string,
  kept: Kept,
  removed: Removed,
): Promise<Results> => {
  const key = keysFor(context, listOption(invocation, 'key'));
  const results: Results = {};
  // Backwards: the log of airlock-totp says which heads of the gateway's it signed.
  for (const { log, bytes } of copiesIn(dir, textOption(invocation, 'log')).toReversed()) {
    // A copy's own heads count: airlock-totp is not there to give newer ones.
    const own = { origin: `airlock-${log}`, ...learning(removed, log) };
    const heads = log === 'gateway' ? [...kept.notes, ...removed.countersignedHeads] : kept.notes;
    results[log] = await verifyBytes(context, log, bytes, heads, key(log), kept.hashes, own);
  }
  return heldAgainst(removed, results);
};

interface Verdict {
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

const verdictOf = (results: Results, kept: Kept, removed: Removed, configured: number | null): Verdict => {
  const { begunAnew } = removed;
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
    ...(firstBad === undefined ? {} : { firstBad }),
  };
};

const verdictText = ({ ok, records, checkpoints, from, retainDays, begunAnew = [], firstBad }: Verdict): string =>
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
  ].join('\n');

const DAMAGED_HINT =
  'airlock: hint: the record was changed after it was written; keep the files, and treat what happened since the last good head as unknown';
/** What no signature covers is only as good as whoever gave the files. */
const UNSIGNED_HINT =
  'no signed head was given or found, so only the chain itself was checked: a log written anew would pass; --head FILE';

const FORGED_HINT =
  'airlock: hint: it is not what was exported, or the keys are not those it was signed by: --key FILE for each of the three';

/** @returns the exit status: 7 where the bundle is not what was exported */
const verifyExport = (context: Context, invocation: Invocation, path: string): number => {
  const verdict = verifyBundle(readBundle(path), keysFor(context, listOption(invocation, 'key')));
  print(context, { bundle: path, ...verdict }, bundleText(verdict));
  if (!verdict.ok) note(context, FORGED_HINT);
  return verdict.ok ? 0 : 7;
};

/** @returns the exit status: 7 where the record is damaged */
export const verify = async (context: Context, invocation: Invocation): Promise<number> => {
  const [bundle] = invocation.args;
  if (bundle !== undefined) return verifyExport(context, invocation, bundle);
  const kept = parseKept(listOption(invocation, 'head'));
  const dir = textOption(invocation, 'dir');
  const removed = new Removed();
  const results =
    dir === undefined ? await verifyServed(context, kept, removed) : await verifyCopies(context, invocation, dir, kept, removed);
  const verdict = verdictOf(results, kept, removed, dir === undefined ? configuredDays(context) : null);
  print(context, verdict, verdictText(verdict));
  if (!verdict.ok) note(context, DAMAGED_HINT);
  else if (dir !== undefined && verdict.unsigned !== undefined)
    note(context, `airlock: hint: ${verdict.unsigned.join(' and ')} log: ${UNSIGNED_HINT}`);
  return verdict.ok ? 0 : 7;
};
