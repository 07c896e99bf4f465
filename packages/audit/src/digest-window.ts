/** The newest line digests in memory, for countersigning; what is older is read from the segments. */
import { lineDigest } from './chain.js';
import { DIGEST_WINDOW } from './limits.js';
import type { LogFs } from './log-fs.js';
import { firstSeq, segmentLines } from './segment-reader.js';
import { segmentNames } from './segment-name.js';

export class DigestWindow {
  /** Grows by doubling up to DIGEST_WINDOW digests, then it is a ring. */
  #ring = Buffer.alloc(1024 * 32);
  #size = 0;
  #from = 0;

  /** Starts behind `size` records. */
  constructor(size: number) {
    this.#size = size;
    this.#from = size;
  }

  /** @param digest 32 bytes, latin1. */
  push(digest: string): void {
    const held = this.#size - this.#from;
    if (held * 32 === this.#ring.length) {
      if (held < DIGEST_WINDOW) this.#grow(held);
      else this.#from += 1;
    }
    this.#ring.write(digest, (this.#size * 32) % this.#ring.length, 32, 'latin1');
    this.#size += 1;
  }

  /** Digests of the records after `size`, at most `max`; null where they are no longer held. */
  since(size: number, max: number): Buffer[] | null {
    if (size < this.#from) return null;
    const found: Buffer[] = [];
    for (let at = size; at < this.#size && found.length < max; at += 1) found.push(this.#at(at));
    return found;
  }

  #at(index: number): Buffer {
    const slot = (index * 32) % this.#ring.length;
    return Buffer.from(this.#ring.subarray(slot, slot + 32));
  }

  #grow(held: number): void {
    const kept = this.since(this.#from, held) ?? [];
    this.#ring = Buffer.alloc(this.#ring.length * 2);
    for (const [i, digest] of kept.entries()) digest.copy(this.#ring, ((this.#from + i) * 32) % this.#ring.length);
  }
}

/** The same from disk. @throws what reading throws. */
export const digestsFromDisk = (fs: LogFs, dir: string, size: number, max: number): Buffer[] => {
  const found: Buffer[] = [];
  const names = segmentNames(fs.list(dir));
  const starts = names.map((name) => firstSeq(fs, dir, name) ?? Infinity);
  const first = Math.max(
    0,
    starts.findLastIndex((seq) => seq <= size + 1),
  );
  let seq = starts[first] ?? 1;
  for (const name of names.slice(first)) {
    for (const line of segmentLines(fs, dir, name)) {
      if (found.length >= max) return found;
      if (seq > size) found.push(lineDigest(line));
      seq += 1;
    }
  }
  return found;
};
