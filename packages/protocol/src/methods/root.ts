/** Methods of root.sock: enrolment, recovery, clearing a lock-out, restoring a backup. docs/spec/approval.md, docs/spec/backup.md */
import { closed, code, digest, freeObject, name, nothing, service, text } from './shapes.js';

/** ENROL-4: what one enrolment may bring along; each entry is checked by its verb. */
const enrolmentActions = { type: 'array', minItems: 1, maxItems: 4, items: closed({ verb: text(32), params: freeObject }) };

export const ROOT_SCHEMAS = {
  'root.status': closed({ operator: text(18) }),
  /** `secret`: base32 (RFC 4648) of 16 to 64 bytes, for a secret that exists already. */
  'root.enrol.begin': closed({ operator: text(18), secret: text(128), recoveryCode: text(64), actions: enrolmentActions }, [
    'secret',
    'recoveryCode',
    'actions',
  ]),
  'root.enrol.code': closed({ operator: text(18), code, digest }, ['digest']),
  /** Says whether a recovery code was written down right; uses nothing up. */
  'root.recovery.check': closed({ operator: text(18), recoveryCode: text(64) }),
  'root.lockout.clear': closed({ operator: text(18), channel: { enum: ['terminal', 'relay'] } }),
  'root.keys': nothing,
  'root.restore.finish': nothing,
  /** Second blob of RESTORE_REQUEST: tickets by operator, and what the gateway will be given. */
  restoreOrder: closed({
    tickets: freeObject,
    services: { type: 'array', maxItems: 1024, items: closed({ operator: name, service, digest }) },
  }),
} as const;
