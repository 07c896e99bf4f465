/**
 * One operator's queue, register and secrets. The only place where an operator's state changes.
 *
 * DESK-1  a state counts from the moment it is durable, never before; whoever is told, is told after.
 * DESK-2  a state that cannot be written seals the daemon: what was refused to the disk is not acted on.
 */
import { AirlockError, asAirlockError, type GrantEnd, type GrantView, type LeaseEnd } from '@airlock/protocol';
import type { Fields } from '@airlock/audit';
import { expireRequests } from '../queue/leave.js';
import { emptyState, type Now, type OperatorState } from '../queue/state.js';
import { grantsOver, removeGrants } from '../register/grants.js';
import { leasesOver, removeLeases } from '../register/leases.js';
import { readSecrets, writeSecrets, type EnrolmentSecrets } from '../state/secrets.js';
import { readState, writeState } from '../state/snapshot.js';
import type { Opener } from '../tickets/action-tickets.js';
import { changesBetween } from './changes.js';
import type { Enrolment } from './enrolment.js';
import { nowOf, type House } from './house.js';
import { reviveState } from './revive.js';

/** What an approved action gives to the connection that opened it. */
export type Given = { readonly ticket: string } | { readonly grant: GrantView };

export class Desk {
  readonly operator: string;
  readonly house: House;
  /** Connections that opened the actions which are queued; gone with a restart, like the actions. */
  readonly openers = new Map<string, Opener>();
  /** What actions approved elsewhere gave, for the connection that opened them, by request. */
  readonly undelivered = new Map<string, { readonly given: Given; readonly opener: Opener }>();
  /** An enrolment that was begun; in memory only, nothing of it counts yet. */
  enrolment: Enrolment | null = null;
  #state: OperatorState;
  #secrets: EnrolmentSecrets | null;

  /** @throws AirlockError VAULT_UNREADABLE where state or secrets are damaged */
  constructor(house: House, operator: string) {
    this.house = house;
    this.operator = operator;
    this.#secrets = readSecrets(house.directory, house.wrappingKey, operator);
    const stored = readState(house.directory, operator);
    // Secrets without a state would forget which codes were used (QUEUE-4).
    if (stored === null && this.#secrets !== null) {
      throw new AirlockError(
        'VAULT_UNREADABLE',
        `${house.directory.path}/${operator}.state: is missing, though ${operator} is enrolled`,
        {
          hint: `restore ${operator}.state, then restart airlock-totp`,
        },
      );
    }
    this.#state = stored ?? emptyState(house.bootId);
    this.#revive();
  }

  #revive(): void {
    const { state, ended, endedGrants } = reviveState(this.#state, this.now());
    for (const { id } of ended) this.house.journal.note('lease_expired', this.fields({ lease: id, why: 'reboot' }));
    for (const { id } of endedGrants) this.house.journal.note('grant_ended', this.fields({ grant: id, why: 'reboot' }));
    if (state === this.#state) return;
    writeState(this.house.directory, this.operator, state);
    this.#state = state;
  }

  get state(): OperatorState {
    return this.#state;
  }

  get secrets(): EnrolmentSecrets | null {
    return this.#secrets;
  }

  get isEnrolled(): boolean {
    return this.#secrets !== null;
  }

  now(): Now {
    return nowOf(this.house);
  }

  /** Fields of a record, with whose it is. */
  fields(fields: Fields): Fields {
    return { operator: this.operator, ...fields };
  }

  /** @throws AirlockError NOT_ENROLLED (QUEUE-14) */
  requireEnrolled(): EnrolmentSecrets {
    if (this.#secrets === null) throw new AirlockError('NOT_ENROLLED', `operator ${this.operator} has no phone enrolled`);
    return this.#secrets;
  }

  /**
   * Durable, then in force, then told. `why` is of the leases that are in the register no more, `grantWhy` of the grants.
   * @throws AirlockError VAULT_UNREADABLE where it could not be written; the daemon is sealed then
   */
  commit(next: OperatorState, why: LeaseEnd = 'expired', grantWhy: GrantEnd = 'expired'): void {
    const before = this.#state;
    if (next === before) return;
    this.#write(() => writeState(this.house.directory, this.operator, next));
    this.#state = next;
    this.#tell(before, why, grantWhy);
  }

  /** The enrolment that counts from now on. @throws AirlockError VAULT_UNREADABLE; the daemon is sealed then */
  enrol(secrets: EnrolmentSecrets): void {
    this.keep(secrets);
    for (const listener of this.house.enrolledListeners) listener(this.operator, true);
  }

  /** The same enrolment with other secrets of the past. @throws AirlockError VAULT_UNREADABLE; the daemon is sealed then */
  keep(secrets: EnrolmentSecrets): void {
    this.#write(() => writeSecrets(this.house.directory, this.house.wrappingKey, this.operator, secrets));
    this.#secrets = secrets;
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      const error = asAirlockError(thrown);
      this.house.seal(error);
      throw error;
    }
  }

  #tell(before: OperatorState, why: LeaseEnd, grantWhy: GrantEnd): void {
    const changes = changesBetween(before, this.#state, why, grantWhy);
    if (changes.fronted !== null)
      this.house.journal.note('request_fronted', this.fields({ request: changes.fronted.id, kind: changes.fronted.kind }));
    for (const { id } of changes.decided) this.openers.delete(id);
    for (const listener of this.house.listeners) listener(this, changes);
  }

  /** Ends what is over by now: at each use, and at each tick. */
  settle(): void {
    if (this.house.sealed() !== null) return;
    const now = this.now();
    if (this.enrolment !== null && now.bootMs >= this.enrolment.endsBootMs) this.enrolment = null;
    const over = leasesOver(this.#state, now);
    const grants = grantsOver(this.#state, now);
    const expired = expireRequests(this.#state, now);
    if (over.length === 0 && grants.length === 0 && expired.requests.length === 0) return;
    for (const { id, role } of grants) this.house.journal.note('grant_ended', this.fields({ grant: id, role, why: 'expired' }));
    for (const { id } of over) this.house.journal.note('lease_expired', this.fields({ lease: id }));
    for (const { id, role } of expired.requests) this.house.journal.note('request_expired', this.fields({ request: id, role }));
    const left = removeLeases(
      expired.state,
      over.map((lease) => lease.id),
    );
    this.commit(
      removeGrants(
        left,
        grants.map((grant) => grant.id),
      ),
    );
  }
}
