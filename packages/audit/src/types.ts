/** The shapes this package speaks. */
import type { AirlockError, Clock, Timers } from '@airlock/protocol';
import type { LogFs } from './log-fs.js';

/** What may stand in a record; undefined members are left out. */
export type FieldValue =
  null | boolean | number | string | readonly FieldValue[] | { readonly [key: string]: FieldValue | undefined };
export type Fields = { readonly [key: string]: FieldValue | undefined };

/** A record as read back. `prev` is the hash before it, 64 hexadecimal digits. */
export interface AuditRecord {
  readonly seq: number;
  readonly ts: string;
  readonly event: string;
  readonly prev: string;
  readonly [field: string]: unknown;
}

/** Number of records and the chain hash after the last, 64 hexadecimal digits (AUDIT-2). */
export interface Head {
  readonly size: number;
  readonly hash: string;
}

export interface LogOptions {
  /** Directory of the segments; made with mode 0700 if missing. */
  readonly dir: string;
  readonly clock: Clock;
  /** Name of this log in its signed heads; needed to find `checkpoint` records on open. */
  readonly origin?: string;
  /** Newest head known to be durable; without it the newest `checkpoint` record of `origin` counts, else nothing. */
  readonly durableHead?: Head;
  readonly groupCommitMs?: number;
  /** 0 switches the reserve off. */
  readonly reserveBytes?: number;
  readonly minFreeBytes?: number;
  /** Why it must not be opened: it is sealed by that from the start, and nothing is made, read or written. */
  readonly unopened?: AirlockError | undefined;
  /** Called once, synchronously, when the log seals after it was open. */
  readonly onSealed?: (error: AirlockError) => void;
  /** Recognises a lock left by an earlier boot with the same pid; read from /proc where it is visible. */
  readonly bootId?: string;
  readonly fs?: LogFs;
  readonly timers?: Timers;
}

/** A record that has its place, and when it is in the file. */
export interface GroupedRecord {
  readonly seq: number;
  /** Rejects with AUDIT_UNAVAILABLE where it was not written; then nothing may be done or answered on its strength. */
  readonly written: Promise<void>;
}

/** The open log. Every append throws or rejects with AUDIT_UNAVAILABLE once the log is sealed or closed. */
export interface AuditLog {
  /** Written before it returns; on disk at most groupCommitMs later. @returns seq. */
  append(event: string, fields?: Fields): number;
  /** Written at the end of this turn of the event loop, in one write with all others of the turn; then like `append`. */
  appendGrouped(event: string, fields?: Fields): GroupedRecord;
  /** Resolves with seq once the record is on disk; calls at the same time share one fdatasync. */
  appendDurable(event: string, fields?: Fields): Promise<number>;
  /** On disk when it returns; blocks for one fdatasync. @returns seq. */
  appendDurableSync(event: string, fields?: Fields): number;
  /** Resolves once everything appended so far is on disk. */
  flush(): Promise<void>;
  /** Flushes, then gives the directory back. Never rejects. */
  close(): Promise<void>;
  /** Newest record written. */
  head(): Head;
  /** Newest record known to be on disk: the one a signed head may be asked for. */
  durableHead(): Head;
  /** Line digests (32 bytes) of the records after `size`, at most `max`. @throws AUDIT_UNAVAILABLE. */
  digestsSince(size: number, max?: number): Buffer[];
  /** Bytes left to this user on the log's file system. */
  freeBytes(): number;
  /** False below minFreeBytes, or sealed: agents are to be refused. */
  hasRoom(): boolean;
  /** Newest signed note of this log that it held when it was opened, or null. Its signature was not looked at. */
  readonly checkpoint: string | null;
  /** Why nothing can be written any more, or null. */
  readonly sealed: AirlockError | null;
}

/** A checkpoint as read from a signed note. Says nothing until a signature over it is verified. */
export interface SignedHead extends Head {
  readonly origin: string;
  /** The signed note, whole. */
  readonly note: string;
}

/** What a verifier found first. `file` is a segment's name, `heads` (line = which head, from 1), or the name of a kept head. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

export interface VerifyResult {
  readonly ok: boolean;
  /** Records read and found good. */
  readonly records: number;
  /** Signed heads, given or found in `checkpoint` records, that match the log. */
  readonly checkpoints: number;
  readonly firstBad?: Problem;
  /** Where the log starts, if what stood before was removed by age: nothing before it can be proven any more. */
  readonly from?: Head;
  /** Which of the `hashes` that were asked for are heads of this log. */
  readonly found?: readonly Head[];
  /** `kept` heads of before where the log starts: they prove nothing of it, nor anything against it. */
  readonly before?: readonly { readonly name: string; readonly size: number }[];
}

/** One segment, fed in any chunks. */
export interface SegmentSource {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}
