/** `access.release`: ends a lease and all that was narrowed from it. Only the lease as issued can be released. */
import { checkLease, openWithKeys, parseLease, type VerifiedLease } from '@airlock/lease';
import { AirlockError } from '@airlock/protocol';
import type { House } from '../house.js';
import type { Session } from '../sessions/sessions.js';

/** Giving a lease up is no use of it, so its intent need not be said; everything else is checked, the signature first. */
const verifyToRelease = (house: House, session: Session, text: string): VerifiedLease => {
  const { keys, bootId } = house.bridge.verifier;
  const facts = {
    nowMs: house.clock.wallMs(),
    bootMs: house.clock.bootMs(),
    bootId,
    role: session.role,
    session: session.id,
  };
  const signed = openWithKeys(keys, text);
  try {
    return checkLease(signed, { ...facts, intentHash: null });
  } catch (thrown) {
    if (!(thrown instanceof AirlockError) || thrown.code !== 'LEASE_INTENT') throw thrown;
    return checkLease(signed, { ...facts, intentHash: parseLease(text).payload.intent });
  }
};

/** @throws AirlockError LEASE_INVALID, LEASE_SESSION, LEASE_EXPIRED, LEASE_REVOKED, UNAVAILABLE */
export const accessRelease = async (house: House, session: Session, text: string): Promise<object> => {
  const { payload, asIssued } = verifyToRelease(house, session, text);
  const live = house.register.find(payload.id);
  if (live === null) throw house.register.whyNot(payload.id, payload.expiresMs);
  if (live.operator !== session.operator) throw new AirlockError('LEASE_INVALID', 'the lease is of another operator');
  if (!asIssued) {
    throw new AirlockError('LEASE_INVALID', 'a narrowed lease cannot be released', {
      hint: 'only who holds the lease as it was issued can release it; this one ends with it',
      retry: 'never',
    });
  }
  await house.bridge.call('lease.release', { lease: payload.id });
  house.register.end(payload.id, 'released');
  return {};
};
