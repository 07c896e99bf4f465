/**
 * What airlock-totp gives to a backup, and takes from one: secrets and what must not be forgotten of an operator's state.
 * Binary, so that no string of a secret exists: count of operators (1 byte) ‖ blob meta (JSON) ‖ blob secrets of each.
 */
import { packBlobs, unpackBlobs, type DueRestore } from '@airlock/protocol';
import { asWrappingKey, openBlob, sealBlob } from '@airlock/vault';
import type { EXPORT_KEY, LogName } from '../heads/heads.js';
import type { Now, OperatorState } from '../queue/state.js';
import { emptyState } from '../queue/state.js';
import { decodeSecrets, encodeSecrets, type EnrolmentSecrets } from '../state/secrets.js';
import { TOTP_LIMITS } from '../limits.js';

const PURPOSE = 'backup/totp';

/** Leases, grants and requests are not among it: they end with the machine. */
export type KeptState = Pick<OperatorState, 'lastStep' | 'floorStep' | 'locked' | 'versions' | 'burntRecovery'>;

export interface ArchivedOperator {
  readonly operator: string;
  readonly state: KeptState;
  readonly secrets: EnrolmentSecrets;
}

export interface Archive {
  readonly madeMs: number;
  readonly generation: number;
  /** Last signed heads, and the public keys that verify them and the exports of this machine. */
  readonly heads: Readonly<Record<LogName, string | null>>;
  readonly keys: Readonly<Record<LogName, string>> & { readonly [EXPORT_KEY]?: string };
  readonly operators: readonly ArchivedOperator[];
  /** What the gateway has to put in force with it. Only in a restore that was decided, never in a backup. */
  readonly due?: Omit<DueRestore, 'id'>;
}

interface Meta extends Omit<Archive, 'operators'> {
  readonly v: 1;
  readonly operators: readonly Omit<ArchivedOperator, 'secrets'>[];
}

export const keptOf = ({ lastStep, floorStep, locked, versions, burntRecovery }: OperatorState): KeptState => ({
  ...{ lastStep, floorStep, locked, versions, burntRecovery },
});

/**
 * The state a restored operator starts with: no lease, no grant, no request. Codes used after the backup was made are not known
 * here, so none of the steps that the window reaches now counts (BACKUP-6).
 */
export const restoredState = (kept: KeptState, now: Now): OperatorState => ({
  ...emptyState(now.bootId),
  ...kept,
  floorStep: Math.max(kept.floorStep, now.step + TOTP_LIMITS.floorSteps),
});

export const encodeArchive = (archive: Archive): Buffer => {
  const operators = archive.operators.map(({ operator, state }) => ({ operator, state }));
  const meta: Meta = { v: 1, ...archive, operators };
  const secrets = archive.operators.map((one) => encodeSecrets(one.secrets));
  const plain = packBlobs(Buffer.of(secrets.length), Buffer.from(JSON.stringify(meta)), ...secrets);
  for (const bytes of secrets) bytes.fill(0);
  return plain;
};

const parseMeta = (bytes: Buffer | undefined): Meta | null => {
  try {
    const value = JSON.parse(bytes?.toString('utf8') ?? '') as Partial<Meta> | null;
    return value?.v === 1 && Array.isArray(value.operators) ? (value as Meta) : null;
  } catch {
    return null;
  }
};

/** @returns null for bytes of another form */
export const decodeArchive = (plain: Buffer): Archive | null => {
  const [metaBytes, ...blobs] = unpackBlobs(plain, 1, (plain[0] ?? 0) + 1)?.blobs ?? [];
  const meta = parseMeta(metaBytes);
  if (meta?.operators.length !== blobs.length) return null;
  const decoded = blobs.map(decodeSecrets);
  const whole = meta.operators.flatMap(({ operator, state }, index) => {
    const secrets = decoded[index];
    return secrets ? [{ operator, state, secrets }] : [];
  });
  return whole.length === blobs.length ? { ...meta, operators: whole } : null;
};

/** Under the key that airlock-ctl derives from the recovery key for this purpose; the plain bytes are overwritten. */
export const sealArchive = (key: Uint8Array, archive: Archive): Buffer => {
  const plaintext = encodeArchive(archive);
  try {
    return sealBlob({ key: asWrappingKey(key), purpose: PURPOSE, plaintext });
  } finally {
    plaintext.fill(0);
  }
};

/** @throws AirlockError VAULT_UNREADABLE for another key or changed bytes. */
export const openArchive = (key: Uint8Array, sealed: Uint8Array): Archive | null => {
  const plain = openBlob({ key: asWrappingKey(key), purpose: PURPOSE, sealed });
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  const archive = decodeArchive(bytes);
  return archive;
};
