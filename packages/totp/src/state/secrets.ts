/**
 * What an operator's enrolment consists of, sealed under W in `OP.secret`. Binary, so that no string of a secret
 * exists: count of TOTP secrets (1 byte) ‖ blob meta (JSON) ‖ blob R ‖ blob S of each epoch, first to last.
 * Meta has `v` 1 while the first is of epoch 0, else `v` 2 and `first`.
 */
import { packBlobs, unpackBlobs } from '@airlock/protocol';
import { corrupted, type StateDirectory } from './directory.js';
import { unwrapBytes, wrapBytes } from './wrapping.js';

export interface EnrolmentSecrets {
  readonly vaultId: string;
  /** R: 32 bytes that never leave this process. */
  readonly root: Buffer;
  /** Epoch of the first of `totp`: those before were forgotten, as no key is wrapped under them any more (ENROL-9). */
  readonly firstEpoch: number;
  /** S of each epoch, from `firstEpoch`. The last one approves, the others only derive the keys of their records. */
  readonly totp: readonly Buffer[];
  /** SHA-256 of the recovery codes. */
  readonly recovery: readonly string[];
}

interface Meta {
  readonly v: 1 | 2;
  readonly first?: number;
  readonly vaultId: string;
  readonly recovery: readonly string[];
}

/** Epoch of the secret that approves; counts enrolments from 0. */
export const epochOf = ({ firstEpoch, totp }: EnrolmentSecrets): number => firstEpoch + totp.length - 1;

/** S of an epoch, or undefined where it is not known, or not any more. */
export const secretOf = ({ firstEpoch, totp }: EnrolmentSecrets, epoch: number): Buffer | undefined => totp[epoch - firstEpoch];

/** The secret that approves. */
export const currentSecret = (secrets: EnrolmentSecrets): Buffer => {
  const secret = secrets.totp.at(-1);
  if (secret === undefined) throw new Error('an enrolment without a secret');
  return secret;
};

const isMeta = (value: unknown): value is Meta => {
  const meta = value as Partial<Meta> | null;
  const isFirst = meta?.v === 1 ? meta.first === undefined : meta?.v === 2 && Number.isSafeInteger(meta.first);
  return isFirst && typeof meta?.vaultId === 'string' && Array.isArray(meta.recovery);
};

const parseMeta = (bytes: Buffer | undefined): Meta | null => {
  try {
    const value: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return isMeta(value) ? value : null;
  } catch {
    return null;
  }
};

const fileOf = (operator: string): string => `${operator}.secret`;

/** In the clear, for whoever seals it. */
export const encodeSecrets = (secrets: EnrolmentSecrets): Buffer => {
  const { vaultId, recovery, firstEpoch } = secrets;
  const meta: Meta = { ...(firstEpoch === 0 ? { v: 1 } : { v: 2, first: firstEpoch }), vaultId, recovery };
  return packBlobs(Buffer.of(secrets.totp.length), Buffer.from(JSON.stringify(meta)), secrets.root, ...secrets.totp);
};

/** @returns null for bytes of another form. The given bytes are overwritten. */
export const decodeSecrets = (plain: Buffer): EnrolmentSecrets | null => {
  const [metaBytes, root, ...totp] = unpackBlobs(plain, 1, (plain[0] ?? 0) + 2)?.blobs ?? [];
  plain.fill(0);
  const meta = parseMeta(metaBytes);
  if (meta === null || root === undefined || totp.length === 0) return null;
  return { vaultId: meta.vaultId, root, firstEpoch: meta.first ?? 0, totp, recovery: meta.recovery };
};

/** Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const writeSecrets = (directory: StateDirectory, key: Uint8Array, operator: string, secrets: EnrolmentSecrets): void => {
  const plain = encodeSecrets(secrets);
  const wrapped = wrapBytes(key, fileOf(operator), plain);
  plain.fill(0);
  directory.write(fileOf(operator), wrapped);
};

/** Whether there are any, readable or not. @throws AirlockError VAULT_UNREADABLE */
export const hasSecrets = (directory: StateDirectory, operator: string): boolean => directory.read(fileOf(operator)) !== null;

/** @returns null where the operator is not enrolled. @throws AirlockError VAULT_UNREADABLE */
export const readSecrets = (directory: StateDirectory, key: Uint8Array, operator: string): EnrolmentSecrets | null => {
  const name = fileOf(operator);
  const wrapped = directory.read(name);
  if (wrapped === null) return null;
  const plain = unwrapBytes(key, name, wrapped);
  if (plain === null) throw corrupted(directory, name, 'does not open with the wrapping key');
  const secrets = decodeSecrets(plain);
  if (secrets === null) throw corrupted(directory, name, 'is of another form');
  return secrets;
};
