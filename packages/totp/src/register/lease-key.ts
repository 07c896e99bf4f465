/**
 * The lease key of this boot, and the texts it makes. The root it is derived from is kept sealed in `lease.root`, and behind it
 * the roots of earlier keys with the leases that live of them (docs/spec/approval.md ROTATE-2, ROTATE-3).
 *
 * REGISTER-3  a lease text says what the register says; it is made anew from there, and not kept.
 */
import {
  boundedEarlier,
  decodeEarlier,
  deriveLeaseKey,
  encodeEarlier,
  mintLease,
  type EarlierKey,
  type LeaseKey as KeyBytes,
} from '@airlock/lease';
import type { RegisteredLease } from '@airlock/protocol';
import type { Random } from '../state/random.js';
import { corrupted, type StateDirectory } from '../state/directory.js';
import { unwrapBytes, wrapBytes } from '../state/wrapping.js';

export interface LeaseKey {
  readonly kid: string;
  readonly bytes: Buffer;
  mint(lease: RegisteredLease): string;
  /** Keys that mint no more, the newest first, each with the leases that it still verifies. */
  readonly earlier: readonly EarlierKey[];
  /** Ids of the leases that a change would keep, of those handed out so far: the newest, as far as there is room. */
  keptAfter(handedOut: readonly string[]): ReadonlySet<string>;
  /** Another key from now on, durably; the texts of these leases verify on. @throws AirlockError VAULT_UNREADABLE */
  renew(handedOut: readonly string[]): void;
  /** Drops each earlier key none of whose leases lives. @returns whether one was dropped */
  keepOnly(live: ReadonlySet<string>): boolean;
}

const FILE = 'lease.root';
const ROOT_BYTES = 32;
/** Counts changes of the key within a boot; a change draws a new root instead. */
const GENERATION = 0;

/** What the file says: the root that mints, and those of before. */
interface Ring {
  readonly root: Buffer;
  readonly earlier: readonly EarlierKey[];
}

const wipeRing = ({ root, earlier }: Ring): void => {
  root.fill(0);
  for (const { key } of earlier) key.fill(0);
};

/** Durable on return. */
const writeRing = (directory: StateDirectory, wrappingKey: Uint8Array, { root, earlier }: Ring): void => {
  const plain = Buffer.concat([root, encodeEarlier(earlier)]);
  directory.write(FILE, wrapBytes(wrappingKey, FILE, plain));
  plain.fill(0);
};

const readRing = (directory: StateDirectory, wrappingKey: Uint8Array, random: Random): Ring => {
  const wrapped = directory.read(FILE);
  if (wrapped === null) {
    const ring = { root: random.bytes(ROOT_BYTES), earlier: [] };
    writeRing(directory, wrappingKey, ring);
    return ring;
  }
  const plain = unwrapBytes(wrappingKey, FILE, wrapped);
  if (plain === null || plain.length < ROOT_BYTES) throw corrupted(directory, FILE, 'does not open with the wrapping key');
  const earlier = decodeEarlier(plain.subarray(ROOT_BYTES));
  if (earlier === null) throw corrupted(directory, FILE, 'holds earlier keys that are none');
  const root = Buffer.from(plain.subarray(0, ROOT_BYTES));
  plain.fill(0);
  return { root, earlier };
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

/** Another root, and none of before: every lease text made so far is worth nothing. Durable on return. @throws AirlockError VAULT_UNREADABLE */
export const renewLeaseRoot = (directory: StateDirectory, wrappingKey: Uint8Array, random: Random): void => {
  const ring = { root: random.bytes(ROOT_BYTES), earlier: [] };
  writeRing(directory, wrappingKey, ring);
  wipeRing(ring);
};

type Derived = ReturnType<typeof deriveLeaseKey> & { readonly earlier: readonly EarlierKey[] };

const derive = (ring: Ring, bootId: string): Derived => {
  const earlier = ring.earlier.map(({ key, leases }) => ({ key: deriveLeaseKey(key, bootId, GENERATION).key, leases }));
  return { ...deriveLeaseKey(ring.root, bootId, GENERATION), earlier };
};

/** The lease keys as they are in the file and in memory; every change is made in the file first. */
class KeptLeaseKey implements LeaseKey {
  readonly #directory: StateDirectory;
  readonly #wrappingKey: Uint8Array;
  readonly #bootId: string;
  readonly #random: Random;
  #now: Derived;

  constructor(directory: StateDirectory, wrappingKey: Uint8Array, bootId: string, random: Random) {
    this.#directory = directory;
    this.#wrappingKey = wrappingKey;
    this.#bootId = bootId;
    this.#random = random;
    const ring = this.#read();
    this.#now = derive(ring, bootId);
    wipeRing(ring);
  }

  get kid(): string {
    return this.#now.kid;
  }

  get bytes(): KeyBytes {
    return this.#now.key;
  }

  get earlier(): readonly EarlierKey[] {
    return this.#now.earlier;
  }

  mint(lease: RegisteredLease): string {
    return mint(this.kid, this.bytes, this.#bootId, lease);
  }

  keptAfter(handedOut: readonly string[]): ReadonlySet<string> {
    return new Set(withNewest(this.#now.key, this.#now.earlier, handedOut).flatMap(({ leases }) => leases));
  }

  renew(handedOut: readonly string[]): void {
    const ring = this.#read();
    const next = { root: this.#random.bytes(ROOT_BYTES), earlier: withNewest(ring.root, ring.earlier, handedOut) };
    this.#turn(ring, next);
  }

  keepOnly(live: ReadonlySet<string>): boolean {
    const lives = ({ leases }: EarlierKey): boolean => leases.some((id) => live.has(id));
    if (this.#now.earlier.every(lives)) return false;
    const ring = this.#read();
    this.#turn(ring, { root: ring.root, earlier: ring.earlier.filter(lives) });
    return true;
  }

  #read(): Ring {
    return readRing(this.#directory, this.#wrappingKey, this.#random);
  }

  #turn(from: Ring, to: Ring): void {
    writeRing(this.#directory, this.#wrappingKey, to);
    const before = this.#now;
    this.#now = derive(to, this.#bootId);
    wipeRing({ root: before.key, earlier: before.earlier });
    wipeRing(from);
    wipeRing(to);
  }
}

/** The key of now becomes the newest of before; of each, the leases that are among those handed out and live. */
const withNewest = (key: Uint8Array, earlier: readonly EarlierKey[], handedOut: readonly string[]): readonly EarlierKey[] => {
  const older = new Set(earlier.flatMap(({ leases }) => leases));
  const live = new Set(handedOut);
  return boundedEarlier([
    { key, leases: handedOut.filter((id) => !older.has(id)) },
    ...earlier.map((one) => ({ key: one.key, leases: one.leases.filter((id) => live.has(id)) })),
  ]);
};

/** @throws AirlockError VAULT_UNREADABLE */
export const openLeaseKey = (directory: StateDirectory, wrappingKey: Uint8Array, bootId: string, random: Random): LeaseKey =>
  new KeptLeaseKey(directory, wrappingKey, bootId, random);
