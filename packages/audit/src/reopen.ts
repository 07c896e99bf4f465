/** What an earlier run of the one writer left, verified: the end of the log, and the segment that goes on. */
import { DigestWindow } from './digest-window.js';
import type { LogFs } from './log-fs.js';
import { recordTime } from './record.js';
import { recover } from './recover.js';
import { Segment } from './segment.js';
import { Tail } from './tail.js';
import type { LogOptions } from './types.js';

export interface Reopened {
  readonly tail: Tail;
  /** null where there is none yet. */
  readonly segment: Segment | null;
  readonly checkpoint: string | null;
}

/** @throws AUDIT_UNAVAILABLE with the file and line where the log is damaged, and what the file system throws. */
export const reopen = (fs: LogFs, { dir, origin, durableHead, clock }: LogOptions): Reopened => {
  let window: DigestWindow | undefined;
  const onDigest = (size: number, digest: string): void => (window ??= new DigestWindow(size - 1)).push(digest);
  const { chain, segment, checkpoint } = recover({ fs, dir, origin, durableHead, ts: recordTime(clock.wallMs()), onDigest });
  return {
    tail: new Tail(chain, window),
    segment: segment === null ? null : new Segment(fs, dir, segment.name, segment.size),
    checkpoint,
  };
};
