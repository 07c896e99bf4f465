/**
 * Releases that may still be used: one connection each.
 *
 * RELEASE-5  the connection's end is the end of the release, and the end of the release closes the connection.
 */
import { AirlockError } from '@airlock/protocol';

/** As much of a connection as is needed to end it. */
export interface Closable {
  close(reason?: AirlockError): void;
}

export interface OpenRelease {
  readonly connection: Closable;
  readonly operator: string;
  readonly service: string;
  /** Id of the lease; null: a trial. */
  readonly lease: string | null;
  readonly endsWallMs: number;
  readonly endsBootMs: number;
}

export class OpenReleases {
  readonly #open = new Set<OpenRelease>();

  add(release: OpenRelease): void {
    this.#open.add(release);
  }

  /** The connection is gone by itself. */
  forget(connection: Closable): void {
    for (const release of this.#open) if (release.connection === connection) this.#open.delete(release);
  }

  /** Ends every release the predicate names. */
  end(isOver: (release: OpenRelease) => boolean, reason: AirlockError): void {
    for (const release of [...this.#open]) {
      if (!isOver(release)) continue;
      this.#open.delete(release);
      release.connection.close(reason);
    }
  }

  get size(): number {
    return this.#open.size;
  }
}
