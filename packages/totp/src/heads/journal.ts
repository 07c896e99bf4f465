/**
 * The daemon's own log: what was approved and released.
 *
 * JOURNAL-1  no record, no action: `record` is durable when it returns, or throws AUDIT_UNAVAILABLE.
 * JOURNAL-2  what only takes away happens even if it cannot be recorded: `note` never throws.
 * JOURNAL-3  no record holds a code, a secret, a key or a ticket.
 */
import type { AuditLog, Fields, Head } from '@airlock/audit';
import type { AirlockError } from '@airlock/protocol';

export type TotpEvent =
  | 'access_denied'
  | 'access_requested'
  | 'action_redeemed'
  | 'attack_run'
  | 'audit_exported'
  | 'audit_mismatch'
  | 'backup_kept'
  | 'backup_made'
  | 'checkpoint'
  | 'code_rejected'
  | 'enrolled'
  | 'grant_claimed'
  | 'grant_ended'
  | 'grant_issued'
  | 'key_released'
  | 'key_rewrapped'
  | 'key_sealed'
  | 'keys_rotated'
  | 'lease_expired'
  | 'lease_issued'
  | 'lease_released'
  | 'lease_renewed'
  | 'lease_revoked'
  | 'lockout'
  | 'lockout_cleared'
  | 'locked'
  | 'log_accepted'
  | 'log_pruned'
  | 'operation_approved'
  | 'operation_taken'
  | 'phone_forgotten'
  | 'presence_frozen'
  | 'presence_thawed'
  | 'protocol_error'
  | 'record_removed'
  | 'recovery_used'
  | 'request_expired'
  | 'request_fronted'
  | 'request_opened'
  | 'restored'
  | 'started'
  | 'totp_verified'
  | 'unlocked';

export class Journal {
  readonly #log: AuditLog;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  /** Why nothing can be recorded any more, or null. */
  get sealed(): AirlockError | null {
    return this.#log.sealed;
  }

  /** @returns seq. @throws AirlockError AUDIT_UNAVAILABLE */
  record(event: TotpEvent, fields: Fields): number {
    return this.#log.appendDurableSync(event, fields);
  }

  /** Written if it can be; a log that cannot seals itself, and the daemon with it. */
  note(event: TotpEvent, fields: Fields): void {
    try {
      this.#log.append(event, fields);
    } catch {
      // JOURNAL-2: the log is sealed by now, which every method but the diagnosis answers with.
    }
  }

  /** Newest record on disk. */
  durableHead(): Head {
    return this.#log.durableHead();
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}
