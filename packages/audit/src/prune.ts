/**
 * Segments that are older than they have to be kept.
 *
 * AUDIT-25 What is to go is first recorded (`log_pruned`: its name, and the head behind its last record) and that record
 * covered by a signed head. Oldest first, never the newest, nothing that no head covers: what remains is a log whose start
 * its own signed records name.
 */
import { join } from 'node:path';
import { firstLine } from './first-record.js';
import { DIRECTORY_FLAGS, nodeFs, type LogFs } from './log-fs.js';
import type { Pruned } from './pruned.js';
import { recordTime } from './record.js';
import { dayOf, isSegmentName, segmentNames } from './segment-name.js';

const DAY_MS = 86_400_000;
/** AUDIT-1: seq at the front, prev at the end. */
const SEQ = /^\{"seq":([1-9][0-9]{0,15}),/u;
const PREV = /,"prev":"([0-9a-f]{64})"\}$/u;

export interface PruneOptions {
  readonly dir: string;
  readonly nowMs: number;
  readonly retainDays: number;
  /** Size of the newest signed head. */
  readonly signedSize: number;
  readonly fs?: LogFs;
}

/** The oldest segment where it is past its days and another follows. Pure. */
export const decideOldest = (names: readonly string[], nowMs: number, retainDays: number): readonly [string, string] | null => {
  const [oldest, next] = segmentNames(names);
  if (oldest === undefined || next === undefined) return null;
  const kept = recordTime(nowMs - retainDays * DAY_MS).slice(0, 10);
  return dayOf(oldest) < kept ? [oldest, next] : null;
};

/** What `log_pruned` has to say before the oldest segment may go; null where nothing may. @throws what reading throws */
export const findPrunable = (options: PruneOptions): Pruned | null => {
  const { dir, fs = nodeFs } = options;
  const found = decideOldest(fs.list(dir), options.nowMs, options.retainDays);
  if (found === null) return null;
  const line = firstLine(fs, dir, found[1]);
  const [seq, hash] = [Number(SEQ.exec(line)?.[1]), PREV.exec(line)?.[1]];
  if (!Number.isSafeInteger(seq) || hash === undefined || seq - 1 > options.signedSize) return null;
  return { file: found[0], size: seq - 1, hash };
};

/** Durable on return. @throws what the file system throws; the segment is then still there, or gone */
export const removeSegment = (dir: string, file: string, fs: LogFs = nodeFs): void => {
  if (!isSegmentName(file)) throw new TypeError('not the name of a segment');
  fs.unlink(join(dir, file));
  const fd = fs.open(dir, DIRECTORY_FLAGS);
  try {
    fs.syncSync(fd);
  } finally {
    fs.close(fd);
  }
};
