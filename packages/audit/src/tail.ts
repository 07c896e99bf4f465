/** The end of the log: its chain, and the newest line digests. In memory; what fails to be written seals the log. */
import { Chain, lineDigestLatin1 } from './chain.js';
import { DigestWindow } from './digest-window.js';
import { encodeLine } from './record.js';
import type { Fields, Head } from './types.js';

export class Tail {
  readonly #chain: Chain;
  readonly #digests: DigestWindow;

  constructor(chain = new Chain(), digests = new DigestWindow(chain.size)) {
    this.#chain = chain;
    this.#digests = digests;
  }

  get size(): number {
    return this.#chain.size;
  }

  head(): Head {
    return this.#chain.head();
  }

  /** The line of the record that comes next, without LF. @throws TypeError as `encodeLine` does. */
  encode(ts: string, event: string, fields: Fields): string {
    return encodeLine({ seq: this.#chain.size + 1, ts, prev: this.#chain.hash }, event, fields);
  }

  /** Takes the line into the chain. @param line without LF */
  link(line: string): void {
    const digest = lineDigestLatin1(line);
    this.#chain.extend(digest);
    this.#digests.push(digest);
  }

  /** null where they are no longer held. */
  digestsSince(size: number, max: number): Buffer[] | null {
    return this.#digests.since(size, max);
  }
}
