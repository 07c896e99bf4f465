/**
 * `access.claim`: takes up what an operator granted this role unasked (docs/spec/approval.md "Grants").
 *
 * GRANT-5  an id that is none of this role's is NOT_FOUND, recorded, and counted: ids are found in access.status.
 * GRANT-6  what could not be asked for now is not given either, and the grant stays.
 */
import {
  AirlockError,
  isoTime,
  type AgentGrant,
  type ClaimResult,
  type ClaimedGrant,
  type RegisteredGrant,
} from '@airlock/protocol';
import type { House } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Session } from '../sessions/sessions.js';
import { checkOpen, checkScopes } from './allowed.js';

const noGrant = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'this role has no grant of this id that can be claimed', {
    field: 'params.grant',
    hint: 'access.status lists those there are; else ask: access.request',
  });

const withIntent = (intent: string | null): { readonly intent?: string } => (intent === null ? {} : { intent });

export const grantView = ({ id, scopes, expiresMs, intent }: RegisteredGrant): AgentGrant => ({
  id,
  scopes,
  expiresAt: isoTime(expiresMs),
  ...withIntent(intent),
});

/** @throws AirlockError NOT_FOUND, RATE_LIMITED, LOCKED, SERVICE_UNKNOWN, READ_ONLY, OPERATION_UNKNOWN, UNAVAILABLE, AUDIT_UNAVAILABLE */
export const accessClaim = async (
  house: House,
  session: Session,
  { grant: id }: { readonly grant: string },
): Promise<ClaimResult> => {
  const { operator, role } = session;
  checkOpen(house, session);
  house.claimRate.take(role);
  const grant = house.grants.ofRole(session).find((one) => one.id === id);
  if (grant === undefined) throw noGrant();
  checkScopes(house, operator, grant.scopes);
  house.journal.admit(role, GATEWAY_LIMITS.callLogBytes);
  const asked = { operator, grant: id, role, session: session.id };
  const { lease, expiresAt, intent } = await house.bridge.call<ClaimedGrant>('grant.claim', asked);
  // TAINT-3: nobody looks at a claim, so it makes no session cleaner than its role.
  house.sessions.inheritTaint(session);
  // Airlock-totp has recorded the claim before; without a record here the text does not leave.
  await house.journal.durable('grant_claimed', { ...asked, scopes: grant.scopes });
  return { lease, expiresAt, ...withIntent(intent) };
};
