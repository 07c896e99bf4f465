/**
 * The lease key of this boot, and the texts it makes. The root it is derived from is kept sealed in `lease.root`.
 *
 * REGISTER-3  a lease text says what the register says; it is made anew from there, and not kept.
 */
import { deriveLeaseKey, mintLease, type LeaseKey as KeyBytes } from '@airlock/lease';
import type { RegisteredLease } from '@airlock/protocol';
import type { Random } from '../state/random.js';
import { corrupted, type StateDirectory } from '../state/directory.js';
import { unwrapBytes, wrapBytes } from '../state/wrapping.js';

export interface LeaseKey {
  readonly kid: string;
  readonly bytes: Buffer;
  mint(lease: RegisteredLease): string;
  /** Another key from now on, durably; texts of the old one verify no more. @throws AirlockError VAULT_UNREADABLE */
  renew(): void;
}

const FILE = 'lease.root';
const ROOT_BYTES = 32;
/** Counts changes of the key within a boot; a change draws a new root instead. */
const GENERATION = 0;

const openRoot = (directory: StateDirectory, wrappingKey: Uint8Array, random: Random): Buffer => {
  const wrapped = directory.read(FILE);
  if (wrapped === null) {
    const root = random.bytes(ROOT_BYTES);
    directory.write(FILE, wrapBytes(wrappingKey, FILE, root));
    return root;
  }
  const root = unwrapBytes(wrappingKey, FILE, wrapped);
  if (root?.length !== ROOT_BYTES) throw corrupted(directory, FILE, 'does not open with the wrapping key');
  return root;
};

const mint = (kid: string, key: KeyBytes, bootId: string, lease: RegisteredLease): string =>
  mintLease(key, {
    v: 1,
    id: lease.id,
    kid,
    role: lease.role,
    session: lease.session,
    intent: lease.intent,
    scopes: lease.scopes,
    constraints: lease.constraints,
    issuedMs: lease.issuedMs,
    expiresMs: lease.expiresMs,
    bootDeadlineMs: lease.bootDeadlineMs,
    bootId,
    budget: lease.budget,
  });

/** Another root: every lease text made so far is worth nothing. Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const renewLeaseRoot = (directory: StateDirectory, wrappingKey: Uint8Array, random: Random): void => {
  const root = random.bytes(ROOT_BYTES);
  directory.write(FILE, wrapBytes(wrappingKey, FILE, root));
  root.fill(0);
};

/** @throws AirlockError VAULT_UNREADABLE */
export const openLeaseKey = (directory: StateDirectory, wrappingKey: Uint8Array, bootId: string, random: Random): LeaseKey => {
  const read = (): ReturnType<typeof deriveLeaseKey> => {
    const root = openRoot(directory, wrappingKey, random);
    const derived = deriveLeaseKey(root, bootId, GENERATION);
    root.fill(0);
    return derived;
  };
  let current = read();
  return {
    get kid() {
      return current.kid;
    },
    get bytes() {
      return current.key;
    },
    mint: (lease) => mint(current.kid, current.key, bootId, lease),
    renew: () => {
      renewLeaseRoot(directory, wrappingKey, random);
      current.key.fill(0);
      current = read();
    },
  };
};
