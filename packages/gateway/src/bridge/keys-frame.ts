/** The frame LEASE_KEY (docs/spec/release.md): key ‖ blob key id ‖ earlier keys, each with the leases it still verifies. */
import { asLeaseKey, decodeEarlier, LEASE_KEY_BYTES, type LeaseKeys } from '@airlock/lease';
import { FRAME, unpackBlobs } from '@airlock/protocol';

const LENGTH_BYTES = 2;

/** The keys are copied out of the frame, which is wiped. @returns null for a frame that is none */
export const readKeysFrame = (type: number, payload: Buffer): { readonly keys: LeaseKeys; readonly kid: string } | null => {
  if (type !== FRAME.LEASE_KEY || payload.length < LEASE_KEY_BYTES + LENGTH_BYTES) return null;
  const end = LEASE_KEY_BYTES + LENGTH_BYTES + payload.readUInt16BE(LEASE_KEY_BYTES);
  const parts = unpackBlobs(payload.subarray(0, end), LEASE_KEY_BYTES, 1);
  const earlier = decodeEarlier(payload.subarray(end));
  payload.fill(0);
  if (parts === null || earlier === null) return null;
  const keys = {
    current: asLeaseKey(Buffer.from(parts.head)),
    earlier: earlier.map(({ key, leases }) => ({ key: asLeaseKey(key), leases: new Set(leases) })),
  };
  parts.head.fill(0);
  return { keys, kid: Buffer.concat(parts.blobs).toString('utf8') };
};

/** Nothing verifies with them any more. */
export const wipeKeys = (keys: LeaseKeys | null): void => {
  keys?.current.fill(0);
  for (const { key } of keys?.earlier ?? []) key.fill(0);
};
