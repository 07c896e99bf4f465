/**
 * Lines of a byte stream.
 *
 * UPSTREAM-5  A line is bounded, and one of invalid UTF-8 is no message.
 */
import { isUtf8 } from 'node:buffer';

export class Lines {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in the piece, null for one that is no UTF-8. @returns null where a line is too long */
  take(piece: Buffer): readonly (string | null)[] | null {
    const lines: (string | null)[] = [];
    let from = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, from)) {
      const line = this.#end(piece.subarray(from, end));
      if (line.length > this.#maxBytes) return null;
      lines.push(isUtf8(line) ? line.toString('utf8') : null);
      from = end + 1;
    }
    const rest = piece.subarray(from);
    if (rest.length > 0) this.#pieces.push(rest);
    this.#held += rest.length;
    return this.#held > this.#maxBytes ? null : lines;
  }

  #end(last: Buffer): Buffer {
    if (this.#held === 0) return last;
    const line = Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#held = 0;
    return line;
  }
}
