/**
 * audit verify BUNDLE: an export checked offline, with public keys alone; the same as the recipe of docs/spec/export.md.
 *
 * EXPORT-7  the chain leads from the start to the signed head, and each line stands where its seq and prev say.
 * EXPORT-9  everything said of a bundle comes from bytes that a signature or a digest under one covers.
 */
import { Chain, lineDigest, parseRecord, partsOfNote, verifySignedHead, type Head, type SignedHead } from '@airlock/audit';
import { asAirlockError, sha256Hex } from '@airlock/protocol';
import type { BundleFiles } from './bundle-files.js';
import { BundleHeads } from './bundle-heads.js';
import { unprovenText, type Kept, type Unproven } from './kept-heads.js';
import { LOGS, type LogName } from './sources.js';
import type { Status } from './verdict.js';
import type { KeyOf } from './verify-keys.js';

export interface BundleVerdict {
  readonly ok: boolean;
  /** AUDIT-33: unproven only by heads that were given and not met. */
  readonly status: Status;
  readonly operator?: string;
  readonly at?: string;
  /** Lines taken, and the signed head that they are proven by. */
  readonly logs: Readonly<Record<string, { readonly records: number; readonly leftOut: number; readonly head: number }>>;
  readonly unproven?: readonly Unproven[];
  readonly firstBad?: { readonly log: string; readonly file: string; readonly line: number; readonly problem: string };
}

/** What is wrong, and where. */
class Bad extends Error {
  readonly file: string;
  readonly line: number;
  readonly log: string;

  constructor(file: string, line: number, problem: string, log = file.split('/')[0] ?? '') {
    super(problem);
    this.file = file;
    this.line = line;
    this.log = log;
  }
}

const LF = 0x0a;
const HEX = '[0-9a-f]{64}';

const need = (files: BundleFiles, name: string): Buffer => {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Bad(name, 1, 'it is missing');
  return bytes;
};

/** A note and its two parts, which have to agree. @returns the signed text */
const signedText = (files: BundleFiles, name: string, key: string): string => {
  try {
    const { signed, signature } = partsOfNote(key, need(files, `${name}.note`).toString('utf8'));
    if (!signed.equals(need(files, `${name}.signed`))) throw new Bad(`${name}.signed`, 1, 'it is not what was signed');
    if (!signature.equals(need(files, `${name}.sig`))) throw new Bad(`${name}.sig`, 1, 'it is not the signature of the note');
    return signed.toString('utf8');
  } catch (thrown) {
    throw thrown instanceof Bad ? thrown : new Bad(`${name}.note`, 1, asAirlockError(thrown).message);
  }
};

interface Signed {
  readonly operator: string;
  readonly at: string;
}

/** @returns who signed when. @throws Bad */
const checkSums = (files: BundleFiles, key: string): Signed => {
  const [context, digest, operator = '', at = ''] = signedText(files, 'SHA256SUMS', key).split('\n');
  if (context !== 'airlock-export/v1') throw new Bad('SHA256SUMS.signed', 1, 'no signature of an export');
  const sums = need(files, 'SHA256SUMS');
  if (digest !== sha256Hex(sums)) throw new Bad('SHA256SUMS', 1, 'it is not the one that was signed');
  const named = new Set<string>();
  for (const [index, line] of sums.toString('utf8').split('\n').slice(0, -1).entries()) {
    const [, sum, name = ''] = new RegExp(`^(${HEX}) {2}([A-Za-z0-9./]+)$`).exec(line) ?? [];
    if (sum === undefined || sha256Hex(need(files, name)) !== sum)
      throw new Bad(name === '' ? 'SHA256SUMS' : name, index + 1, 'it was changed');
    named.add(name);
  }
  const unnamed = [...files.keys()].find((name) => !named.has(name) && !name.startsWith('SHA256SUMS'));
  if (unnamed !== undefined) throw new Bad(unnamed, 1, 'SHA256SUMS does not name it, so it proves nothing');
  return { operator, at };
};

/** Lines without their LF, one after another, so that a large file stays one buffer. */
class Lines {
  count = 0;
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): Buffer | null {
    const end = this.#bytes.indexOf(LF, this.#at);
    if (end < 0) return null;
    const line = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    this.count += 1;
    return line;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }
}

const startOf = (files: BundleFiles, log: LogName): Chain => {
  const [, size, hash] = new RegExp(`^(0|[1-9]\\d{0,15}) (${HEX})\n$`).exec(need(files, `${log}/start`).toString('latin1')) ?? [];
  if (size === undefined || hash === undefined) throw new Bad(`${log}/start`, 1, 'it is not SIZE HASH');
  return new Chain({ size: Number(size), hash });
};

const headOf = (files: BundleFiles, log: LogName, key: string): SignedHead => {
  signedText(files, `${log}/head`, key);
  try {
    const head = verifySignedHead(key, need(files, `${log}/head.note`).toString('utf8'));
    if (head.origin === `airlock-${log}`) return head;
  } catch (thrown) {
    throw new Bad(`${log}/head.note`, 1, asAirlockError(thrown).message);
  }
  throw new Bad(`${log}/head.note`, 1, 'it is a head of another log');
};

/** @returns why the line does not stand where it says, or null */
const misplaced = (line: Buffer, chain: Chain): string | null => {
  const record = parseRecord(line.toString('utf8'));
  if (record === null) return 'no record';
  if (record.seq !== chain.size + 1) return `seq is ${record.seq}, not ${chain.size + 1}`;
  return record.prev === chain.hash ? null : 'prev is not the hash of what stands before';
};

type OnHead = (head: Head) => void;

const checkLog = (files: BundleFiles, log: LogName, key: string, onHead: OnHead): BundleVerdict['logs'][string] => {
  const head = headOf(files, log, key);
  const chain = startOf(files, log);
  const [entries, lines] = [new Lines(need(files, `${log}/chain`)), new Lines(need(files, `${log}/lines.jsonl`))];
  onHead(chain);
  const entryForm = new RegExp(`^(line|left-out) (${HEX})$`);
  for (let entry = entries.next(); entry !== null; entry = entries.next()) {
    const [, kind, hex = ''] = entryForm.exec(entry.toString('latin1')) ?? [];
    if (kind === undefined) throw new Bad(`${log}/chain`, entries.count, 'neither `line HEX` nor `left-out HEX`');
    if (kind === 'line') {
      const line = lines.next();
      if (line === null) throw new Bad(`${log}/lines.jsonl`, lines.count + 1, `record ${chain.size + 1} is missing`);
      if (lineDigest(line).toString('hex') !== hex) throw new Bad(`${log}/lines.jsonl`, lines.count, 'it was changed');
      const why = misplaced(line, chain);
      if (why !== null) throw new Bad(`${log}/lines.jsonl`, lines.count, why);
    }
    chain.extend(Buffer.from(hex, 'hex').toString('latin1'));
    onHead(chain);
  }
  if (!entries.isOver) throw new Bad(`${log}/chain`, entries.count + 1, 'the last line does not end in LF');
  if (!lines.isOver) throw new Bad(`${log}/lines.jsonl`, lines.count + 1, 'a line that the chain does not have');
  if (chain.size !== head.size)
    throw new Bad(`${log}/chain`, entries.count, `it ends at record ${chain.size}, the signed head is of ${head.size}`);
  if (chain.hash !== head.hash) throw new Bad(`${log}/chain`, entries.count, 'it does not lead to the signed head');
  return { records: lines.count, leftOut: entries.count - lines.count, head: head.size };
};

/** Logs that a bundle has lines of. */
const logsIn = (files: BundleFiles): readonly LogName[] =>
  LOGS.filter((log) => [...files.keys()].some((name) => name.startsWith(`${log}/`)));

/** @param kept heads that the part of the log which is proven has to agree with. Pure over the files. @throws AirlockError where a key is not known */
export const verifyBundle = (files: BundleFiles, keyOf: KeyOf, kept: readonly Kept[] = []): BundleVerdict => {
  const logs: Record<string, BundleVerdict['logs'][string]> = {};
  try {
    const signed = checkSums(files, keyOf('export'));
    const names = logsIn(files);
    const heads = new BundleHeads(kept, Object.fromEntries(names.map((log) => [log, keyOf(log)])));
    const others: Bad[] = [];
    for (const log of names)
      logs[log] = checkLog(files, log, keyOf(log), (head) => {
        const name = heads.pass(log, head);
        if (name !== null) others.push(new Bad(name, 1, `the ${log} log that was exported has another history`, log));
      });
    // Only now is it known that what they were held against is what was signed.
    if (others[0] !== undefined) throw others[0];
    const unproven = heads.unproven();
    const ok = unproven.length === 0;
    return { ok, status: ok ? 'whole' : 'unproven', ...signed, logs, ...(ok ? {} : { unproven }) };
  } catch (thrown) {
    if (!(thrown instanceof Bad)) throw thrown;
    const { log, file, line, message: problem } = thrown;
    return { ok: false, status: 'damaged', logs, firstBad: { log, file, line, problem } };
  }
};

const badText = ({ file, line, problem }: NonNullable<BundleVerdict['firstBad']>): string =>
  `FORGED OR DAMAGED: ${file.startsWith('--head ') ? file : `${file} line ${line}`}: ${problem}`;

export const bundleText = ({ ok, operator = '', at = '', logs, unproven = [], firstBad }: BundleVerdict): string => {
  if (firstBad !== undefined) return badText(firstBad);
  return [
    ...Object.entries(logs).map(
      ([log, { records, leftOut, head }]) =>
        `${log} log: ${records} records, ${leftOut} left out, up to the signed head of ${head}`,
    ),
    ...unproven.map(unprovenText),
    ok
      ? `good: signed by ${operator} at ${at}`
      : `UNPROVEN: signed by ${operator} at ${at}, but not every head that was given is met`,
  ].join('\n');
};
