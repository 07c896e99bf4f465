/**
 * Grants nobody has claimed, as airlock-totp tells of them: what access.status lists. It alone decides on a claim.
 */
import type { Clock, RegisteredGrant } from '@airlock/protocol';
import type { Identity } from '../sessions/sessions.js';

export class GrantList {
  readonly #clock: Clock;
  #grants: readonly RegisteredGrant[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those of a role that can be claimed now, oldest first. */
  ofRole({ operator, role }: Pick<Identity, 'operator' | 'role'>): readonly RegisteredGrant[] {
    const [wallMs, bootMs] = [this.#clock.wallMs(), this.#clock.bootMs()];
    return this.#grants.filter(
      (grant) => grant.operator === operator && grant.role === role && wallMs < grant.expiresMs && bootMs < grant.bootDeadlineMs,
    );
  }

  add(grant: RegisteredGrant): void {
    this.#grants = [...this.#grants.filter(({ id }) => id !== grant.id), grant];
  }

  /** @returns the grant, or null where it is not known. */
  end(id: string): RegisteredGrant | null {
    const known = this.#grants.find((grant) => grant.id === id) ?? null;
    this.#grants = this.#grants.filter((grant) => grant !== known);
    return known;
  }

  /** The list after a reconnect replaces what was known (BRIDGE-3). */
  replace(grants: readonly RegisteredGrant[]): void {
    this.#grants = grants;
  }
}
