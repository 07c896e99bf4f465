/**
 * What `log.examine` showed, so that ordinary work between reading and typing does not void a code.
 *
 * ACCEPT-1  a code counts for what was shown: same operator, log, beginning and trouble, and a head that was only extended since.
 */
import type { Head } from '@airlock/audit';
import type { LogName } from './heads.js';

/** What a text says of a log, and of how it began. */
export interface Situation {
  readonly operator: string;
  readonly log: LogName;
  /** What is known to be wrong with it. */
  readonly found: string;
  /** Decision that it began with; null where it never began anew. */
  readonly begun: string | null;
  readonly head: Head;
}

/** More than root has before itself at one time. */
const MAX_SHOWN = 16;

/** One process signs nothing that does not follow (BRIDGE-5), so a longer head extends a shorter one. Pure. */
export const isExtended = (shown: Situation, now: Situation): boolean =>
  (['operator', 'log', 'found', 'begun'] as const).every((name) => shown[name] === now[name]) &&
  (now.head.size > shown.head.size || (now.head.size === shown.head.size && now.head.hash === shown.head.hash));

/** In memory only: heads of two processes are not held against each other. */
export class ShownTexts {
  readonly #shown = new Map<string, Situation>();

  /** The newest texts stay. */
  keep(digest: string, situation: Situation): void {
    this.#shown.delete(digest);
    this.#shown.set(digest, situation);
    const [oldest] = this.#shown.keys();
    if (this.#shown.size > MAX_SHOWN && oldest !== undefined) this.#shown.delete(oldest);
  }

  /** Whether a code for this text may decide what is now. */
  covers(digest: string, now: Situation): boolean {
    const shown = this.#shown.get(digest);
    return shown !== undefined && isExtended(shown, now);
  }
}
