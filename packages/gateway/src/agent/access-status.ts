/** `access.status`: leases and requests of this session, and what its role can claim. */
import { isoTime, type AccessStatus, type AgentLease, type RegisteredLease } from '@airlock/protocol';
import { grantView } from './access-claim.js';
import type { House } from '../house.js';
import type { Session } from '../sessions/sessions.js';

const leaseView = (house: House, { id, scopes, expiresMs, budget }: RegisteredLease): AgentLease => ({
  id,
  scopes,
  expiresAt: isoTime(expiresMs),
  ...(budget?.calls === undefined ? {} : { callsLeft: Math.max(0, budget.calls - house.budgets.usedOf(id)) }),
  ...(budget?.bytes === undefined ? {} : { bytesLeft: Math.max(0, budget.bytes - house.budgets.bytesOf(id)) }),
});

/** Nothing to say where the operator locked, or nothing is frozen. */
const frozenView = ({ frozen }: House, operator: string): Pick<AccessStatus, 'frozen'> => {
  const { presence = [] } = frozen.get(operator) ?? {};
  return presence.length === 0 ? {} : { frozen: presence };
};

export const accessStatus = (house: House, session: Session): AccessStatus => ({
  role: session.role,
  session: session.id,
  locked: house.frozen.has(session.operator),
  ...frozenView(house, session.operator),
  tainted: session.tainted,
  taint: session.taint,
  blocked: house.watch.blockOf({ role: session.role, session: session.id }),
  leases: house.register.ofSession(session.id).map((lease) => leaseView(house, lease)),
  pending: house.requests.pendingOf(session.id).map(({ request, match, expiresAt }) => ({ request, match, expiresAt })),
  grants: house.grants.ofRole(session).map(grantView),
});
