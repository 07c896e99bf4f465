/**
 * Signed heads of both logs: the gateway's is countersigned here, this daemon's own is signed as it grows.
 *
 * BRIDGE-5  a head is signed only if it follows from the last one by exactly the digests given: never a shorter log.
 * BRIDGE-6  the hash that the gateway has itself must be the one that follows, or it keeps another history.
 * HEADS-1  what was signed is durable before it leaves, so that a restart cannot sign another history.
 * HEADS-2  once there are keys there are heads: without them a rolled-back log would be signed as if it were new.
 * HEADS-8  once somebody is enrolled there are keys: drawn anew, they would know nothing of what the ones before signed.
 * HEADS-3  a stored head counts only with the signature of its own key.
 */
import {
  Chain,
  EMPTY_HEAD,
  generateHeadKey,
  parsePrivateKey,
  parseSignedHead,
  signHead,
  signText,
  verifySignedHead,
  type Head,
  type HeadSigner,
} from '@airlock/audit';
import { corrupted, type StateDirectory } from '../state/directory.js';
import { unwrapBytes, wrapBytes } from '../state/wrapping.js';

/** Names of logs and keys in signed notes. */
export const TOTP_LOG = 'airlock-totp';
export const GATEWAY_LOG = 'airlock-gateway';

/** EXPORT-4: a key of its own, which never signs a head. */
export const EXPORT_KEY = 'airlock-export';
const EXPORT_KEY_FILE = 'head-key.export';

export type LogName = typeof TOTP_LOG | typeof GATEWAY_LOG;

const HEADS_FILE = 'heads';
const KEY_FILES: Readonly<Record<LogName, string>> = { [TOTP_LOG]: 'head-key.totp', [GATEWAY_LOG]: 'head-key.gateway' };

/** A head that was given up: root accepted that the log begins anew. */
export interface GivenUp extends Head {
  readonly id: string;
  /** Decisions before it that this log was begun with, the newest last; absent where there was none. */
  readonly before?: readonly string[];
}

type Beginning = Pick<GivenUp, 'id' | 'size' | 'hash'>;

/** More than anybody accepts in the life of a machine; older ones count as unknown. */
const MAX_BEFORE = 64;

type Notes = Readonly<Record<LogName, string | null>> & { readonly givenUp?: Readonly<Partial<Record<LogName, GivenUp>>> };

const LOGS: readonly LogName[] = [TOTP_LOG, GATEWAY_LOG];

const writeNotes = (directory: StateDirectory, notes: Notes): void =>
  directory.write(HEADS_FILE, Buffer.from(JSON.stringify(notes)));

/** HEADS-2. Written before the keys, so that keys without it mean that it was lost. */
const prepareNotes = (directory: StateDirectory): void => {
  if (directory.read(HEADS_FILE) !== null) return;
  if (LOGS.some((log) => directory.read(KEY_FILES[log]) !== null))
    throw corrupted(directory, HEADS_FILE, 'is missing, though there are keys that sign heads');
  writeNotes(directory, { [TOTP_LOG]: null, [GATEWAY_LOG]: null });
};

/** HEADS-8. The key of exports came with a later release and signs no head. */
const requireKeys = (directory: StateDirectory): void => {
  const lost = LOGS.map((log) => KEY_FILES[log]).find((file) => directory.read(file) === null);
  if (lost !== undefined) throw corrupted(directory, lost, 'is missing, though somebody is enrolled');
};

/** HEADS-3 */
const readNotes = (directory: StateDirectory, publicKeys: readonly string[]): Notes => {
  try {
    const notes = JSON.parse(String(directory.read(HEADS_FILE))) as Notes;
    for (const log of LOGS) {
      const note = notes[log];
      if (note !== null && verifySignedHead(publicKeys, note).origin !== log) throw new Error('the head of another log');
    }
    return notes;
  } catch {
    throw corrupted(directory, HEADS_FILE, 'is damaged');
  }
};

const openSigner = (directory: StateDirectory, wrappingKey: Uint8Array, name: string, file: string): HeadSigner => {
  const wrapped = directory.read(file);
  if (wrapped === null) {
    const { privateKey } = generateHeadKey(name);
    directory.write(file, wrapBytes(wrappingKey, file, Buffer.from(privateKey)));
    return parsePrivateKey(privateKey);
  }
  const plain = unwrapBytes(wrappingKey, file, wrapped);
  if (plain === null) throw corrupted(directory, file, 'does not open with the wrapping key');
  return parsePrivateKey(plain.toString('utf8'));
};

const headOf = (note: string | null): Head => (note === null ? EMPTY_HEAD : parseSignedHead(note));

/** What the gateway says of its log: its size, the digests of the lines after the last signed head, and the hash it has there. */
export interface HeadClaim {
  readonly size: number;
  readonly digests: readonly string[];
  /** Left out where more digests follow. */
  readonly hash?: string;
}

/** @returns the head to sign, or why none can be: lock and alert. Pure. */
export const decideNextHead = (last: Head, { size, digests, hash }: HeadClaim): Head | { readonly problem: string } => {
  // The answer that signed it was late: offered once more, it is the same history.
  if (size === last.size && hash === last.hash) return last;
  if (size < last.size) return { problem: `it has ${size} records, ${last.size} were signed` };
  if (size !== last.size + digests.length)
    return { problem: `${last.size} records were signed, and ${digests.length} digests do not make ${size}` };
  const chain = new Chain(last);
  for (const digest of digests) chain.extend(Buffer.from(digest, 'hex').toString('latin1'));
  if (hash !== undefined && hash !== chain.hash) return { problem: `another history up to record ${size}` };
  return chain.head();
};

export class Heads {
  readonly #directory: StateDirectory;
  readonly #signers: Readonly<Record<LogName, HeadSigner>>;
  readonly #exporter: HeadSigner;
  #notes: Notes;

  /** @param isEnrolled whether any operator is @throws AirlockError VAULT_UNREADABLE */
  constructor(directory: StateDirectory, wrappingKey: Uint8Array, isEnrolled: boolean) {
    this.#directory = directory;
    if (isEnrolled) requireKeys(directory);
    prepareNotes(directory);
    this.#signers = {
      [TOTP_LOG]: openSigner(directory, wrappingKey, TOTP_LOG, KEY_FILES[TOTP_LOG]),
      [GATEWAY_LOG]: openSigner(directory, wrappingKey, GATEWAY_LOG, KEY_FILES[GATEWAY_LOG]),
    };
    this.#exporter = openSigner(directory, wrappingKey, EXPORT_KEY, EXPORT_KEY_FILE);
    this.#notes = readNotes(
      directory,
      LOGS.map((log) => this.publicKey(log)),
    );
  }

  /** The last signed note, or null before the first. */
  note(log: LogName): string | null {
    return this.#notes[log];
  }

  /** The head in the last signed note. */
  last(log: LogName): Head {
    return headOf(this.#notes[log]);
  }

  /** Public key in the text form of C2SP signed notes. */
  publicKey(log: LogName): string {
    return this.#signers[log].publicKey;
  }

  /** Public key of exports. */
  get exportKey(): string {
    return this.#exporter.publicKey;
  }

  /** The head of before, where the log was begun anew. */
  givenUp(log: LogName): GivenUp | null {
    return this.#notes.givenUp?.[log] ?? null;
  }

  /** ACCEPT-2: from here on a log that begins with record 1 is signed. Durable on return. @throws AirlockError VAULT_UNREADABLE */
  giveUp(log: LogName, head: Beginning): void {
    if (this.givenUp(log)?.id !== head.id) this.#write({ ...this.#notes, [log]: null, ...this.#begun(log, head) });
  }

  /** BRIDGE-8: a decision that was forgotten. It is known from here on; what is signed goes on from the same head, or is refused. */
  learn(log: LogName, id: string): void {
    this.#write({ ...this.#notes, ...this.#begun(log, { id, ...this.last(log) }) });
  }

  /** Signs the text of an export. @returns the note */
  signExport(text: string): string {
    return signText(this.#exporter, text);
  }

  /** Signs a head that was decided. Durable on return. @throws AirlockError VAULT_UNREADABLE */
  sign(log: LogName, head: Head): string {
    const last = this.#notes[log];
    if (last !== null && headOf(last).size === head.size) return last;
    const note = signHead(this.#signers[log], log, head);
    this.#write({ ...this.#notes, [log]: note });
    return note;
  }

  #begun(log: LogName, { id, size, hash }: Beginning): Pick<Notes, 'givenUp'> {
    const last = this.givenUp(log);
    const before = last === null ? {} : { before: [...(last.before ?? []), last.id].slice(-MAX_BEFORE) };
    return { givenUp: { ...this.#notes.givenUp, [log]: { id, size, hash, ...before } } };
  }

  /** HEADS-1 */
  #write(notes: Notes): void {
    writeNotes(this.#directory, notes);
    this.#notes = notes;
  }
}
