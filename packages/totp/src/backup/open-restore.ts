/**
 * The restore that was checked and waits for `restore.finish` on its connection.
 *
 * BACKUP-11  one at a time, until its connection ends; it is finished only once the gateway said that it holds every service.
 */
import { AirlockError, type RestoreService } from '@airlock/protocol';
import type { EnrolmentSecrets } from '../state/secrets.js';
import type { Opener } from '../tickets/action-tickets.js';
import type { Archive } from './archive.js';

export interface Restoring {
  readonly id: string;
  readonly opener: Opener;
  readonly archive: Archive;
  readonly services: readonly RestoreService[];
  /** What was enrolled here when it was checked, of each operator of the archive. */
  readonly over: readonly (EnrolmentSecrets | null)[];
}

export interface HeldService {
  readonly operator: string;
  readonly service: string;
}

const nameOf = ({ operator, service }: HeldService): string => `${operator}/${service}`;

export class OpenRestore {
  #open: Restoring | null = null;
  /** Names of what the gateway holds durably. */
  #held = new Set<string>();

  /** @throws AirlockError UNAVAILABLE while one of another connection is open */
  requireFree(opener: Opener): void {
    if (this.#open === null || this.#open.opener === opener) return;
    throw new AirlockError('UNAVAILABLE', 'another restore is under way', {
      hint: 'let the other airlock-ctl restore end, or end it; then run this one again',
    });
  }

  begin(restoring: Restoring): void {
    this.#open = restoring;
    this.#held = new Set();
  }

  of(opener: Opener): Restoring | null {
    return this.#open?.opener === opener ? this.#open : null;
  }

  /** The gateway holds it. @throws AirlockError NOT_FOUND for a restore that is not open, or has no such service */
  hold(restore: string, held: HeldService): void {
    const { id, services } = this.#open ?? {};
    if (id !== restore || services?.some((one) => nameOf(one) === nameOf(held)) !== true)
      throw new AirlockError('NOT_FOUND', 'no restore of this service is open', { hint: 'run the restore again' });
    this.#held.add(nameOf(held));
  }

  /** @throws AirlockError UNAVAILABLE where the gateway did not say of each service that it holds it */
  requireHeld({ services }: Restoring): void {
    const missing = services.map(nameOf).filter((name) => !this.#held.has(name));
    if (missing.length === 0) return;
    throw new AirlockError('UNAVAILABLE', 'airlock-gateway does not hold every service of the backup; nothing was changed', {
      found: `without ${missing.join(', ')}`.slice(0, 80),
      hint: 'run the restore again',
    });
  }

  endOf(opener: Opener): void {
    if (this.#open?.opener !== opener) return;
    this.#open = null;
    this.#held = new Set();
  }
}
