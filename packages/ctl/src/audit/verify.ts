/** audit verify: is the record whole, over the sockets or over copied files, with public keys alone. */
import { parsePublicKey, parseSignedHead, verifyLog, type VerifyOptions, type VerifyResult } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import { listOption, textOption, type Invocation } from '../commands/command.js';
import { approvePath, ask, operatorPath, withSocket, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { bundleText, verifyBundle, type KeyOf } from './bundle.js';
import { readBundle } from './bundle-files.js';
import { configuredDays } from './kept-days.js';
import { hashesOf, parseKept, readSmall, sortKept, unreadable, type Kept } from './kept-heads.js';
import { PutBack } from './put-back.js';
import { Removed } from './removed.js';
import { copiesIn, keptKey, namedLog, withServedLog, type LogBytes, type LogName } from './sources.js';
import {
  exitStatus,
  mayHaveShrunk,
  verdictHint,
  verdictOf,
  verdictText,
  type Evidence,
  type Results,
  type Traces,
} from './verdict.js';

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
    heads: heads.filter((head) => isOf(key, head)),
    publicKeys: [key],
    onProgress: progressOf(context, log, bytes),
  });

const learning = ({ removed, putBack }: Traces, log: LogName): Required<Pick<VerifyOptions, 'onRecord'>> => ({
  onRecord: (event, line) => {
    if (log === 'totp') {
      removed.countersigned(event, line);
      putBack.recorded(event, line);
    } else {
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

const heldAgainst = ({ removed, putBack }: Traces, key: KeyOf, isLive: boolean, results: Results): Results =>
  withPutBack(putBack, key, isLive, withAge(removed, results));

/** A fresh head first, so that the newest records are covered too; a sealed log is verified as far as it goes. */
const checkpoint = async (link: Link): Promise<void> => {
  try {
    await ask(link, 'audit.checkpoint');
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
  }
};

type Verified = Pick<Evidence, 'results' | 'useless' | 'traces'>;

const newTraces = (): Traces => ({ removed: new Removed(), putBack: new PutBack() });

const readServed = async (context: Context, kept: readonly Kept[]): Promise<Verified> => {
  const traces = newTraces();
  const key: KeyOf = (log) => keptKey(context, log);
  const { byLog, useless } = sortKept(kept, { gateway: key('gateway'), totp: key('totp') });
  await withSocket(operatorPath(context), checkpoint);
  const { heads } = await withSocket(approvePath(context), (link) => ask<{ heads: readonly string[] }>(link, 'heads'));
  const verify = (log: LogName): Promise<VerifyResult> =>
    withServedLog(context, log, (bytes) =>
      verifyBytes(context, log, bytes, key(log), {
        ...{ heads, kept: byLog[log], hashes: hashesOf(kept) },
        ...learning(traces, log),
      }),
    );
  // In this order: AUDIT-30 holds for every head that the gateway had by then.
  const results = { gateway: await verify('gateway'), totp: await verify('totp') };
  return { results: heldAgainst(traces, key, true, results), useless, traces };
};

/** Twice where a segment may have gone while the logs were read. */
const verifyServed = async (context: Context, kept: readonly Kept[]): Promise<Verified> => {
  const verified = await readServed(context, kept);
  return mayHaveShrunk(verified.results) ? readServed(context, kept) : verified;
};

const KEY = 'a public key, name+id+base64';

const parseKey = (file: string): string => {
  const key = readSmall(file, '--key', KEY).trim();
  try {
    parsePublicKey(key);
    return key;
  } catch {
    throw unreadable('--key', file, KEY);
  }
};

/** Keys given as files, by the log they sign; else those that root has kept. */
const keysFor = (context: Context, files: readonly string[]): KeyOf => {
  const keys = files.map(parseKey);
  return (log) => {
    if (keys.length === 0) return keptKey(context, log);
    const key = keys.find((one) => parsePublicKey(one).name === `airlock-${log}`);
    if (key !== undefined) return key;
    throw new AirlockError('PARAMS_INVALID', `--key: none is of ${log === 'export' ? '' : 'the log '}airlock-${log}`, {
      field: '--key',
      expected: `the key of airlock-${log}`,
      found: keys.map((one) => parsePublicKey(one).name).join(', '),
      hint: `give its key too: --key FILE, a copy of /etc/airlock/keys/${log}.vkey`,
    });
  };
};

const verifyCopies = async (context: Context, invocation: Invocation, dir: string, kept: readonly Kept[]): Promise<Verified> => {
  const traces = newTraces();
  const key = keysFor(context, listOption(invocation, 'key'));
  const copies = copiesIn(dir, namedLog(invocation));
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
  return { results: heldAgainst(traces, key, false, results), useless, traces };
};

const FORGED_HINT =
  'airlock: hint: it is not what was exported, or the keys are not those it was signed by: --key FILE for each of the three';

/** @returns the exit status: 7 where the bundle is not what was exported */
const verifyExport = (context: Context, invocation: Invocation, path: string): number => {
  const verdict = verifyBundle(readBundle(path), keysFor(context, listOption(invocation, 'key')));
  print(context, { bundle: path, ...verdict }, bundleText(verdict));
  if (!verdict.ok) note(context, FORGED_HINT);
  return verdict.ok ? 0 : 7;
};

/** @returns the exit status: 7 where the record is not whole */
export const verify = async (context: Context, invocation: Invocation): Promise<number> => {
  const [bundle] = invocation.args;
  if (bundle !== undefined) return verifyExport(context, invocation, bundle);
  const kept = parseKept(listOption(invocation, 'head'));
  const dir = textOption(invocation, 'dir');
  const isLive = dir === undefined;
  const verified = isLive ? await verifyServed(context, kept) : await verifyCopies(context, invocation, dir, kept);
  const evidence = { ...verified, kept, configured: isLive ? configuredDays(context) : null, isLive };
  const verdict = verdictOf(evidence);
  print(context, verdict, verdictText(verdict));
  const hint = verdictHint(verdict, evidence);
  if (hint !== null) note(context, `airlock: hint: ${hint}`);
  return exitStatus(verdict);
};
