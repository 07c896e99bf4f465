/** audit verify: is the record whole, over the sockets or over copied files, with public keys alone. */
import { verifyLog, type VerifyOptions, type VerifyResult } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import type { Invocation } from '../commands/command.js';
import { approvePath, ask, operatorPath, withSocket, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { logsOf, parseAsked, type Asked } from './asked.js';
import { BegunAnewLogs } from './begun-anew.js';
import { bundleText, verifyBundle, type BundleVerdict } from './bundle.js';
import { readBundle } from './bundle-files.js';
import { configuredDays } from './kept-days.js';
import { hashesOf, sortKept, type Sorted } from './kept-heads.js';
import { PutBack } from './put-back.js';
import { readTwice } from './read-twice.js';
import { Removed } from './removed.js';
import { copiesIn, withServedLog, type LogBytes, type LogName } from './sources.js';
import {
  exitStatus,
  UNPROVEN_HINT,
  verdictHint,
  verdictOf,
  verdictText,
  type Evidence,
  type Results,
  type Traces,
} from './verdict.js';
import { foreignWhy, headsBy, headsOf, type KeyOf } from './verify-keys.js';

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

/** What a log is held against. */
interface Expected extends Pick<VerifyOptions, 'origin' | 'onRecord' | 'kept' | 'hashes'> {
  readonly heads: readonly string[];
}

const verifyBytes = (
  context: Context,
  log: LogName,
  { segments, bytes }: LogBytes,
  key: string,
  { heads, ...expected }: Expected,
): Promise<VerifyResult> =>
  verifyLog({
    segments,
    ...expected,
    heads: headsOf(key, heads),
    publicKeys: [key],
    onProgress: progressOf(context, log, bytes),
  });

const learning = ({ begun, removed, putBack }: Traces, log: LogName): Required<Pick<VerifyOptions, 'onRecord'>> => ({
  onRecord: (event, line) => {
    if (log === 'totp') {
      begun.recorded(event, line);
      removed.countersigned(event, line);
      putBack.recorded(event, line);
    } else {
      begun.said(event, line);
      removed.said(event, line);
      putBack.held(event, line);
    }
  },
});

/** AUDIT-28: both logs were read. */
const withAge = (removed: Removed, results: Results): Results => {
  const { gateway } = results;
  const young = gateway?.ok === true && gateway.from !== undefined ? removed.tooYoung(gateway.from) : null;
  return gateway === undefined || young === null ? results : { ...results, gateway: { ...gateway, ok: false, firstBad: young } };
};

/** AUDIT-30: of two logs that are each whole. */
const withPutBack = (putBack: PutBack, key: KeyOf, isLive: boolean, results: Results): Results => {
  const { gateway, totp } = results;
  if (gateway?.ok !== true || totp?.ok !== true) return results;
  const problem = putBack.problem(key('gateway'), isLive);
  return problem === null ? results : { gateway, totp: { ...totp, ok: false, firstBad: problem } };
};

/** ACCEPT-7: of two logs that are each whole. */
const withCode = (begun: BegunAnewLogs, isLive: boolean, results: Results): Results => {
  const { gateway, totp } = results;
  const problem = gateway?.ok === true && totp?.ok === true ? begun.problem(isLive) : null;
  return gateway === undefined || problem === null
    ? results
    : { ...results, gateway: { ...gateway, ok: false, firstBad: problem } };
};

const heldAgainst = ({ begun, removed, putBack }: Traces, key: KeyOf, isLive: boolean, results: Results): Results =>
  withCode(begun, isLive, withPutBack(putBack, key, isLive, withAge(removed, results)));

/** A fresh head first, so that the newest records are covered too; a sealed log is verified as far as it goes. */
const checkpoint = async (link: Link): Promise<void> => {
  try {
    await ask(link, 'audit.checkpoint');
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
  }
};

type Verified = Pick<Evidence, 'results' | 'useless' | 'foreign' | 'traces'>;

const newTraces = (): Traces => ({ begun: new BegunAnewLogs(), removed: new Removed(), putBack: new PutBack() });

/** What a served log is held against; `whyForeign`: nothing that airlock-totp gives is by the key that was given. */
interface Held extends Expected {
  readonly whyForeign: string | null;
}

const heldOf = ({ kept, keys }: Asked, log: LogName, given: readonly string[], byLog: Sorted['byLog']): Held => {
  const key = keys.of(log);
  const own = headsOf(key, given);
  const heads = keys.areGiven ? headsBy(key, own) : own;
  const whyForeign = keys.areGiven && heads.length === 0 ? foreignWhy(key) : null;
  return { heads, kept: byLog[log], hashes: hashesOf(kept), whyForeign };
};

const readServed = async (context: Context, asked: Asked): Promise<Verified> => {
  const { keys, kept } = asked;
  const [traces, logs] = [newTraces(), logsOf(asked)];
  const { byLog, useless } = sortKept(kept, Object.fromEntries(logs.map((log) => [log, keys.of(log)])));
  if (logs.includes('gateway')) await withSocket(operatorPath(context), checkpoint);
  const { heads } = await withSocket(approvePath(context), (link) => ask<{ heads: readonly string[] }>(link, 'heads'));
  const results: Results = {};
  const foreign: Partial<Record<LogName, string>> = {};
  // The gateway's first: AUDIT-30 holds for every head that it had by then.
  for (const log of logs) {
    const { whyForeign, ...expected } = heldOf(asked, log, heads, byLog);
    if (whyForeign !== null) foreign[log] = whyForeign;
    // Without any head by this key, nothing that could be read would be proven by it.
    if (whyForeign !== null && byLog[log].length === 0) continue;
    results[log] = await withServedLog(context, log, (bytes) =>
      verifyBytes(context, log, bytes, keys.of(log), { ...expected, ...learning(traces, log) }),
    );
  }
  return { results: heldAgainst(traces, keys.of, true, results), useless, foreign, traces };
};

const verifyCopies = async (context: Context, { kept, keys, log: named }: Asked, dir: string): Promise<Verified> => {
  const traces = newTraces();
  const key = keys.of;
  const copies = copiesIn(dir, named);
  const { byLog, useless } = sortKept(kept, Object.fromEntries(copies.map(({ log }) => [log, key(log)])));
  const results: Results = {};
  // Backwards: the log of airlock-totp says which heads of the gateway's it signed.
  for (const { log, bytes } of copies.toReversed()) {
    results[log] = await verifyBytes(context, log, bytes, key(log), {
      // A copy's own heads count: airlock-totp is not there to give newer ones.
      origin: `airlock-${log}`,
      heads: traces.removed.countersignedHeads,
      ...{ kept: byLog[log], hashes: hashesOf(kept) },
      ...learning(traces, log),
    });
  }
  return { results: heldAgainst(traces, key, false, results), useless, foreign: {}, traces };
};

const FORGED_HINT = 'it is not what was exported, or the keys are not those it was signed by: --key FILE for each of the three';
const OTHER_HINT =
  'if the head is of this log, one of the two was made of another record: keep both. A head of a log before audit accept is of another history, too';

const bundleHint = ({ status, firstBad }: BundleVerdict): string | null => {
  if (status === 'whole') return null;
  if (firstBad === undefined) return UNPROVEN_HINT;
  return firstBad.file.startsWith('--head ') ? OTHER_HINT : FORGED_HINT;
};

/** @returns the exit status: 7 where the bundle is not what was exported, or not all that was given is met */
const verifyExport = (context: Context, { keys, kept }: Asked, path: string): number => {
  const verdict = verifyBundle(readBundle(path), keys.of, kept);
  print(context, { bundle: path, ...verdict }, bundleText(verdict));
  const hint = bundleHint(verdict);
  if (hint !== null) note(context, `airlock: hint: ${hint}`);
  return exitStatus(verdict);
};

/** @returns the exit status: 7 where the record is not whole */
export const verify = async (context: Context, invocation: Invocation): Promise<number> => {
  const asked = parseAsked(context, invocation);
  const { bundle, dir, kept, keys } = asked;
  if (bundle !== undefined) return verifyExport(context, asked, bundle);
  const isLive = dir === undefined;
  const verified = isLive ? await readTwice(() => readServed(context, asked)) : await verifyCopies(context, asked, dir);
  const configured = isLive ? configuredDays(context) : null;
  const evidence = { ...verified, kept, configured, isLive, areKeysGiven: keys.areGiven };
  const verdict = verdictOf(evidence);
  print(context, verdict, verdictText(verdict));
  const hint = verdictHint(verdict, evidence);
  if (hint !== null) note(context, `airlock: hint: ${hint}`);
  return exitStatus(verdict);
};
