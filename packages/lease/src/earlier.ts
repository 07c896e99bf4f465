/**
 * Lease keys of before a rotation, and the leases each of them may still verify (docs/spec/lease.md "Earlier keys").
 *
 * LEASE-17  an earlier key verifies the leases that were handed out under it and no other; one that is not in the list verifies nothing.
 * LEASE-18  the list has one encoding: at most 8 keys and 8,192 leases, no key without a lease, ids ascending and each once.
 */
import { AirlockError, decodeBase64url, encodeBase64url } from '@airlock/protocol';
import { LEASE_KEY_BYTES, type LeaseKey } from './key.js';
import { openLease, type SignedLease } from './verify.js';

export const MAX_EARLIER_KEYS = 8;
export const MAX_EARLIER_LEASES = 8192;
const ID_BYTES = 16;
const COUNT_BYTES = 2;

/** A key (or the root it is derived from) and the ids of the leases that were handed out under it. */
export interface EarlierKey {
  readonly key: Uint8Array;
  readonly leases: readonly string[];
}

/** What verifies leases: the key that mints, and those of before with the leases that live of them. */
export interface LeaseKeys {
  readonly current: LeaseKey;
  readonly earlier: readonly { readonly key: LeaseKey; readonly leases: ReadonlySet<string> }[];
}

const idBytes = (id: string): Buffer => {
  const bytes = decodeBase64url(id);
  if (bytes?.length !== ID_BYTES) throw new AirlockError('INTERNAL', 'a lease id has the wrong length');
  return bytes;
};

/** Key (32) ‖ count (2, big-endian) ‖ ids (16 bytes each, ascending), the newest key first. */
export const encodeEarlier = (earlier: readonly EarlierKey[]): Buffer =>
  Buffer.concat(
    earlier.flatMap(({ key, leases }) => {
      const count = Buffer.alloc(COUNT_BYTES);
      count.writeUInt16BE(leases.length);
      return [key, count, ...leases.map(idBytes).sort((a, b) => a.compare(b))];
    }),
  );

const readIds = (bytes: Buffer): string[] | null => {
  const ids: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += ID_BYTES) {
    const id = bytes.subarray(at, at + ID_BYTES);
    const last = ids.at(-1);
    if (last !== undefined && last.compare(id) >= 0) return null;
    ids.push(id);
  }
  return ids.map(encodeBase64url);
};

/** @returns copies of the keys, or null for bytes that `encodeEarlier` does not write. */
export const decodeEarlier = (encoded: Uint8Array): readonly EarlierKey[] | null => {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const earlier: EarlierKey[] = [];
  let at = 0;
  let total = 0;
  while (at < bytes.length) {
    const ids = at + LEASE_KEY_BYTES + COUNT_BYTES;
    if (ids > bytes.length || earlier.length === MAX_EARLIER_KEYS) return null;
    const count = bytes.readUInt16BE(ids - COUNT_BYTES);
    const end = ids + count * ID_BYTES;
    total += count;
    if (count === 0 || total > MAX_EARLIER_LEASES || end > bytes.length) return null;
    const leases = readIds(bytes.subarray(ids, end));
    if (leases === null) return null;
    earlier.push({ key: Buffer.from(bytes.subarray(at, at + LEASE_KEY_BYTES)), leases });
    at = end;
  }
  return earlier;
};

/** The newest keys that have room, those without a lease left out. */
export const boundedEarlier = (earlier: readonly EarlierKey[]): readonly EarlierKey[] => {
  const kept: EarlierKey[] = [];
  let total = 0;
  for (const one of earlier) {
    if (one.leases.length === 0) continue;
    total += one.leases.length;
    if (kept.length === MAX_EARLIER_KEYS || total > MAX_EARLIER_LEASES) break;
    kept.push(one);
  }
  return kept;
};

const isRefused = (thrown: unknown): boolean => thrown instanceof AirlockError && thrown.code === 'LEASE_INVALID';

/** LEASE-17. @throws AirlockError LEASE_INVALID: that of the current key, whatever the others say */
export const openWithKeys = ({ current, earlier }: LeaseKeys, text: string): SignedLease => {
  try {
    return openLease(current, text);
  } catch (thrown) {
    if (!isRefused(thrown)) throw thrown;
    for (const { key, leases } of earlier) {
      const signed = signedBy(key, text);
      if (signed !== null && leases.has(signed.unchecked.payload.id)) return signed;
    }
    throw thrown;
  }
};

const signedBy = (key: LeaseKey, text: string): SignedLease | null => {
  try {
    return openLease(key, text);
  } catch (thrown) {
    if (isRefused(thrown)) return null;
    throw thrown;
  }
};
