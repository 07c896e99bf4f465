/** The chain: h_i = SHA-256(h_{i-1} || SHA-256(line_i without its LF)) (AUDIT-2). */
import { hash } from 'node:crypto';
import type { Head } from './types.js';

/** h_0, before the first record (AUDIT-2). */
export const EMPTY_HEAD: Head = { size: 0, hash: '00'.repeat(32) };

/** Digest of the bytes, or of the UTF-8 of a text: 32 bytes as a latin1 string. One-shot hashing into a string takes a third of the time of one into a Buffer. */
export const lineDigestLatin1 = (line: Uint8Array | string): string => hash('sha256', line, 'latin1' as 'hex');

/** SHA-256 of a line's bytes without LF: 32 bytes. */
export const lineDigest = (line: Uint8Array): Buffer => Buffer.from(lineDigestLatin1(line), 'latin1');

/** A chain that is extended line by line. Holds nothing but the newest hash. */
export class Chain {
  size: number;
  /** h_{i-1} || digest_i; after `extend` its first half is h_i. */
  readonly #block = Buffer.alloc(64);

  constructor(from: Head = EMPTY_HEAD) {
    this.size = from.size;
    this.#block.write(from.hash, 0, 32, 'hex');
  }

  /** Takes one line digest (32 bytes, latin1). */
  extend(digest: string): void {
    this.#block.write(digest, 32, 32, 'latin1');
    this.#block.write(hash('sha256', this.#block, 'latin1' as 'hex'), 0, 32, 'latin1');
    this.size += 1;
  }

  /** The newest hash, 32 bytes; a view, valid until the next `extend`. */
  get bytes(): Buffer {
    return this.#block.subarray(0, 32);
  }

  get hash(): string {
    return this.#block.toString('hex', 0, 32);
  }

  head(): Head {
    return { size: this.size, hash: this.hash };
  }
}
