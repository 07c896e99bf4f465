/**
 * The action `rotate` (docs/spec/approval.md "Rotation"): another lease key, and every record key wrapped for another epoch.
 *
 * ROTATE-1  it is recorded first; then every lease ends, then the lease key changes, then the epoch: killed in between, what was
 *           done stands, nothing that lives is of a key that is gone, and running it again completes it.
 */
import type { Desk } from './desk.js';
import { endLeases } from './deny.js';
import { epochOf, currentSecret } from '../state/secrets.js';

export const rotateKeys = (desk: Desk, request: string): void => {
  const { house } = desk;
  const secrets = desk.requireEnrolled();
  house.journal.record('keys_rotated', desk.fields({ request, epoch: epochOf(secrets) + 1 }));
  for (const one of house.desks.values()) if (one.state.leases.length > 0) endLeases(one, one.state.leases, 'revoked');
  house.leaseKey.renew();
  for (const listener of house.rotatedListeners) listener();
  // The same phone: a copy, as the old one is overwritten when it is forgotten (ENROL-9).
  desk.enrol({ ...secrets, totp: [...secrets.totp, Buffer.from(currentSecret(secrets))] });
};
