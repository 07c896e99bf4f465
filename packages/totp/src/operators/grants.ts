/**
 * What an operator grants unasked: checked when it is asked for, kept from its approval, turned into a lease when claimed.
 *
 * GRANT-1  only an approved action makes a grant, and it holds what was shown.
 * GRANT-2  a claim is recorded and durable before the lease text leaves; a second one finds nothing.
 * GRANT-5  whatever cannot be claimed is NOT_FOUND: another role's grant is answered like one that never was.
 */
import {
  AirlockError,
  OPERATOR_ROLE,
  canonicalScopes,
  encodeBase64url,
  isoTime,
  type ClaimedGrant,
  type Constraints,
  type GrantView,
  type RegisteredGrant,
} from '@airlock/protocol';
import { canonicalConstraints, newLeaseId } from '@airlock/lease';
import { TOTP_LIMITS } from '../limits.js';
import { requireThawed } from '../presence/freeze.js';
import type { Now } from '../queue/state.js';
import { findGrant, grantOf, leaseOfGrant, replaceGrant, type GrantParams } from '../register/grants.js';
import type { Desk } from './desk.js';
import { deskOf, type House } from './house.js';

/** GRANT-5: 128 random bits behind a prefix that no lease id has. */
const GRANT_ID_BYTES = 16;

const invalid = (message: string, field: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, { field, expected });

/** The parameters as they are shown and kept. @throws AirlockError PARAMS_INVALID, RATE_LIMITED */
export const checkGrant = (desk: Desk, params: GrantParams): GrantParams => {
  const { roles, leases } = desk.house.config;
  const owner = Object.hasOwn(roles, params.role) ? roles[params.role]?.operator : undefined;
  if (params.role === OPERATOR_ROLE || owner !== desk.operator)
    throw invalid('the role does not belong to this operator', 'params.role', 'a role of the operator: airlock-ctl role list');
  if (params.ttlS > leases.maxTtlS) throw invalid('the lease would live too long', 'params.ttlS', `at most ${leases.maxTtlS}`);
  if (params.intent?.isWellFormed() === false) throw invalid('a lone surrogate', 'params.intent', 'Unicode text');
  if (desk.state.grants.length >= TOTP_LIMITS.maxGrants) {
    throw new AirlockError('RATE_LIMITED', `${desk.state.grants.length} grants wait to be claimed already`, {
      hint: 'revoke one that is not needed: airlock-ctl leases, then airlock-ctl revoke ID',
    });
  }
  const { constraints } = params;
  // LEASE-8: what nobody enforces is not shown to the one who approves.
  const limits = constraints === undefined ? {} : { constraints: canonicalConstraints(constraints) as Constraints };
  return { ...params, ...limits, scopes: canonicalScopes(params.scopes) };
};

/** Made and recorded; the caller puts it into the state it commits. @throws AirlockError AUDIT_UNAVAILABLE */
export const issueGrant = (desk: Desk, params: GrantParams, request: string, now: Now): RegisteredGrant => {
  const id = `g-${encodeBase64url(desk.house.random.bytes(GRANT_ID_BYTES))}`;
  const grant = grantOf(params, desk.operator, id, now);
  const { role, scopes, intent, constraints = {}, budget, expiresMs } = grant;
  desk.house.journal.record(
    'grant_issued',
    desk.fields({ request, grant: id, role, scopes, intent, constraints, budget, expiresAt: isoTime(expiresMs) }),
  );
  return grant;
};

export const grantView = ({ id, role, scopes, expiresMs }: RegisteredGrant): GrantView => ({
  grant: id,
  role,
  scopes,
  expiresAt: isoTime(expiresMs),
});

/** Parameters of `grant.claim` on the bridge. */
export interface ClaimParams {
  readonly operator: string;
  readonly grant: string;
  readonly role: string;
  readonly session: string;
}

const claimable = (desk: Desk, { grant: id, role }: ClaimParams): RegisteredGrant => {
  requireThawed(desk.state);
  const grant = findGrant(desk.state, id);
  if (grant?.role === role) return grant;
  throw new AirlockError('NOT_FOUND', 'this role has no grant of this id that can be claimed', {
    hint: 'access.status lists those there are; else ask: access.request',
  });
};

/** @throws AirlockError NOT_FOUND, LOCKED, UNAVAILABLE, AUDIT_UNAVAILABLE */
export const claimGrant = (house: House, params: ClaimParams): ClaimedGrant => {
  const desk = deskOf(house, params.operator);
  const grant = claimable(desk, params);
  if (desk.state.leases.length >= TOTP_LIMITS.maxLeases)
    throw new AirlockError('UNAVAILABLE', 'too many leases live; the operator can revoke some: airlock-ctl leases');
  const now = desk.now();
  const id = newLeaseId((length) => house.random.bytes(length));
  const lease = leaseOfGrant(grant, params.session, id, now);
  const text = house.leaseKey.mint(lease);
  const { role, session, scopes } = lease;
  const expiresAt = isoTime(lease.expiresMs);
  house.journal.record('grant_claimed', desk.fields({ grant: grant.id, lease: id, role, session, scopes, expiresAt }));
  desk.commit(replaceGrant(desk.state, grant, lease), 'expired', 'claimed');
  return { lease: text, expiresAt, intent: grant.intent };
};
