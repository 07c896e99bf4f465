/** The newest line digests in memory, for countersigning; what is older is read from the segments. */
import type { AirlockError } from '@airlock/protocol';
import { lineDigest } from './chain.js';
import { DIGEST_WINDOW } from './limits.js';
import type { LogFs } from './log-fs.js';
import { firstSeq, indexOfSeq, segmentLines } from './segment-reader.js';
import { sealedBecause } from './sealing.js';
import { segmentNames } from './segment-name.js';

const DIGEST_BYTES = 32;

/** A ring of 2 MiB, of which the kernel gives what is written to. */
export class DigestWindow {
  readonly #ring = Buffer.alloc(DIGEST_WINDOW * DIGEST_BYTES);
  /** Records in the log, and behind which of them the window began. */
  #size: number;
  readonly #start: number;

  /** Starts behind `size` records. */
  constructor(size: number) {
    this.#size = size;
    this.#start = size;
  }

  /** @param digest 32 bytes, latin1. */
  push(digest: string): void {
    this.#ring.write(digest, (this.#size % DIGEST_WINDOW) * DIGEST_BYTES, DIGEST_BYTES, 'latin1');
    this.#size += 1;
  }

  /** Digests of the records after `size`, at most `max`; null where they are no longer held. */
  since(size: number, max: number): Buffer[] | null {
    if (size < Math.max(this.#start, this.#size - DIGEST_WINDOW)) return null;
    const found: Buffer[] = [];
    for (let at = size; at < this.#size && found.length < max; at += 1) found.push(this.#at(at));
    return found;
  }

  #at(index: number): Buffer {
    const slot = (index % DIGEST_WINDOW) * DIGEST_BYTES;
    return Buffer.from(this.#ring.subarray(slot, slot + DIGEST_BYTES));
  }
}

const isGone = (seq: number): AirlockError => sealedBecause(`record ${seq} is no longer there`);

/**
 * The same from disk, where there is such a record. What was removed because of its age is no longer there, and the records after
 * it do not stand for it (AUDIT-23).
 * @throws AUDIT_UNAVAILABLE where the disk has not the next record, and what reading throws.
 */
export const digestsFromDisk = (fs: LogFs, dir: string, size: number, max: number): Buffer[] => {
  const found: Buffer[] = [];
  const names = segmentNames(fs.list(dir));
  for (const name of names.slice(indexOfSeq(fs, dir, names, size + 1))) {
    let seq = firstSeq(fs, dir, name);
    // A segment that was begun, and no record written.
    if (seq === null) continue;
    if (seq > size + 1 + found.length) throw isGone(size + 1 + found.length);
    for (const line of segmentLines(fs, dir, name)) {
      if (found.length >= max) return found;
      if (seq > size) found.push(lineDigest(line));
      seq += 1;
    }
  }
  if (found.length === 0) throw isGone(size + 1);
  return found;
};
