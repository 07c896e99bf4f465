/**
 * The gateway's log: no record, no action.
 *
 * JOURNAL-1  what is asked for or changed is durable before its effect; a read is written before its answer.
 * JOURNAL-2  what only takes away happens even where it cannot be recorded: `note` never throws.
 * JOURNAL-3  no record holds a code, a lease text, a resume secret, parameters or results.
 * JOURNAL-4  repeated refusals of a role fold into one record a second, and each role has a byte quota.
 */
import { RefusalFolder, RoleQuota, type AuditLog, type Fields, type FoldedRefusal } from '@airlock/audit';
import { AirlockError, type Clock, type ErrorCode } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

export type GatewayEvent =
  | 'access_denied'
  | 'access_expired'
  | 'access_requested'
  | 'blocked'
  | 'checkpoint'
  | 'code_question'
  | 'config_changed'
  | 'enrolled'
  | 'grant_claimed'
  | 'grant_ended'
  | 'grant_issued'
  | 'lease_expired'
  | 'lease_issued'
  | 'lease_released'
  | 'lease_renewed'
  | 'lease_revoked'
  | 'locked'
  | 'operation'
  | 'operation_allowed'
  | 'operation_asked'
  | 'operation_refused'
  | 'policy_changed'
  | 'presence_frozen'
  | 'presence_thawed'
  | 'protocol_violation'
  | 'request_fronted'
  | 'request_opened'
  | 'started'
  | 'tainted'
  | 'tools_changed'
  | 'unblocked'
  | 'unlocked';

const noRoom = (): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', 'the disk of the audit log is nearly full', { hint: 'the operator has to free space' });

const overQuota = (): AirlockError =>
  new AirlockError('RATE_LIMITED', 'this role has written more into the audit log than its share', {
    hint: 'call less often',
    retryAfterMs: 10_000,
  });

export class Journal {
  readonly log: AuditLog;
  readonly #folder: RefusalFolder;
  readonly #violations: RefusalFolder;
  readonly #quota: RoleQuota;
  /** Whether there is room, looked up by the tick: statfs on every call would be dear. */
  #hasRoom: boolean;

  constructor(log: AuditLog, clock: Clock) {
    this.log = log;
    this.#folder = new RefusalFolder(clock);
    this.#violations = new RefusalFolder(clock);
    this.#quota = new RoleQuota(clock, {
      burstBytes: GATEWAY_LIMITS.roleLogBurstBytes,
      refillBytesPerS: GATEWAY_LIMITS.roleLogRefillBytesPerS,
    });
    this.#hasRoom = log.hasRoom();
  }

  /** AUDIT_UNAVAILABLE, or null. */
  get sealed(): AirlockError | null {
    return this.log.sealed;
  }

  /** @throws AirlockError AUDIT_UNAVAILABLE or RATE_LIMITED: the role may not write so much more. */
  admit(role: string, bytes: number): void {
    if (this.log.sealed !== null) throw this.log.sealed;
    if (!this.#hasRoom) throw noRoom();
    if (!this.#quota.take(role, bytes)) throw overQuota();
  }

  /** Written on return. @returns seq. @throws AirlockError AUDIT_UNAVAILABLE */
  write(event: GatewayEvent, fields: Fields): number {
    return this.log.append(event, fields);
  }

  /** Written once resolved, in one write with all others of the turn (JOURNAL-1). @returns seq. @throws AirlockError AUDIT_UNAVAILABLE */
  async grouped(event: GatewayEvent, fields: Fields): Promise<number> {
    const { seq, written } = this.log.appendGrouped(event, fields);
    await written;
    return seq;
  }

  /** On disk once resolved. @returns seq. @throws AirlockError AUDIT_UNAVAILABLE */
  durable(event: GatewayEvent, fields: Fields): Promise<number> {
    return this.log.appendDurable(event, fields);
  }

  /** JOURNAL-2. */
  note(event: GatewayEvent, fields: Fields): void {
    try {
      this.log.append(event, fields);
    } catch {
      // Sealed by now, which every method but the diagnosis answers with.
    }
  }

  /** Records a refusal (JOURNAL-4). @returns seq where it got a record of its own. */
  refused(role: string, code: ErrorCode, detail: Fields): number | undefined {
    const folded = this.#folder.refused(role, code);
    if (folded === null || this.log.sealed !== null) return undefined;
    try {
      return this.log.append('operation_refused', folded.count === 1 ? { ...detail, role, code, count: 1 } : { ...folded });
    } catch {
      return undefined;
    }
  }

  /** Records a breach of the protocol, folded like a refusal. */
  violation(role: string, code: ErrorCode, detail: Fields): void {
    const folded = this.#violations.refused(role, code);
    if (folded !== null) this.note('protocol_violation', { ...detail, ...folded });
  }

  tick(): void {
    for (const folded of this.#violations.due()) this.note('protocol_violation', { ...folded });
    for (const folded of this.#folder.due()) this.#writeFolded(folded);
  }

  /** Called about once a second. */
  checkRoom(): void {
    this.#hasRoom = this.log.hasRoom();
  }

  async close(): Promise<void> {
    for (const folded of this.#violations.drain()) this.note('protocol_violation', { ...folded });
    for (const folded of this.#folder.drain()) this.#writeFolded(folded);
    await this.log.close();
  }

  #writeFolded(folded: FoldedRefusal): void {
    this.note('operation_refused', { ...folded });
  }
}
