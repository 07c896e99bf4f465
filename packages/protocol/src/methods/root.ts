/** Methods of root.sock: enrolment, recovery, clearing a lock-out, backups, what came of an attack on the walls. docs/spec/approval.md, docs/spec/backup.md */
import { canonicalJson, sha256Hex } from '../canonical.js';
import { closed, code, digest, freeObject, integer, name, nothing, service, text } from './shapes.js';

/** ENROL-4: what one enrolment may bring along; each entry is checked by its verb. */
const enrolmentActions = { type: 'array', minItems: 1, maxItems: 4, items: closed({ verb: text(32), params: freeObject }) };

/** ATTACKRUN-1 (docs/spec/audit.md). */
export const ATTACK_LIMITS = { probes: 10_000, holes: 32, nameChars: 128 } as const;
const probeCount = integer(0, ATTACK_LIMITS.probes);
/** A Linux user, or the name of a probe: printable. */
const printableText = (maxLength: number): ReturnType<typeof text> => ({
  ...text(maxLength),
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
});

/** What came of one run of `doctor --attack` as one agent's user. */
export interface AttackRun {
  readonly user: string;
  readonly role: string;
  readonly probes: number;
  readonly held: number;
  readonly untried: number;
  readonly through: number;
  /** Names of the first that got through. */
  readonly holes: readonly string[];
}

/** One service of a backup, with the SHA-256 of what the gateway will be given. */
export interface RestoreService {
  readonly operator: string;
  readonly service: string;
  readonly digest: string;
}

/**
 * Names what a restore puts in force: it stands in the action that is approved, and airlock-totp computes it of what it is given.
 * @param sealed airlock-totp's own part
 */
export const restoreDigest = (sealed: Uint8Array, services: readonly RestoreService[]): string => {
  const named = services.map(({ operator, service: of, digest: is }) => ({ operator, service: of, digest: is }));
  return sha256Hex(canonicalJson({ totp: sha256Hex(sealed), services: named }));
};

/** What a gateway holds of a backup, in whatever order it came (backup.md "A restore, step by step"). */
export const servicesDigest = (services: readonly RestoreService[]): string => {
  const named = services.map(({ operator, service: of, digest: is }) => ({ operator, service: of, digest: is }));
  const keyOf = ({ operator, service: of }: Pick<RestoreService, 'operator' | 'service'>): string => `${operator}/${of}`;
  return sha256Hex(canonicalJson(named.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))));
};

const logName = { enum: ['airlock-gateway', 'airlock-totp'] };

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
  /** What `log.accept` would accept: text and its digest. */
  'root.log.examine': closed({ operator: text(18), log: logName }),
  'root.log.accept': closed({ operator: text(18), log: logName, code, digest }),
  'root.keys': nothing,
  'root.attack.record': closed({
    user: printableText(64),
    role: name,
    probes: integer(1, ATTACK_LIMITS.probes),
    held: probeCount,
    untried: probeCount,
    through: probeCount,
    holes: { type: 'array', maxItems: ATTACK_LIMITS.holes, items: printableText(ATTACK_LIMITS.nameChars) },
  }),
  /** A backup of this number has its file. */
  'root.backup.kept': closed({ generation: integer(1, Number.MAX_SAFE_INTEGER) }),
  'root.restore.finish': nothing,
  /** Second blob of RESTORE_REQUEST: tickets by operator, and what the gateway will be given. */
  restoreOrder: closed({
    tickets: freeObject,
    services: { type: 'array', maxItems: 1024, items: closed({ operator: name, service, digest }) },
  }),
} as const;
