/** `grant.check`: what no claim could be given is refused before the operator is asked for a code (GRANT-6). */
import { AirlockError, canonicalScopes, type Constraints } from '@airlock/protocol';
import { limitsOf } from '../agent/access-request.js';
import { checkPolicies, checkScopes, enforcedBy, ttlOf } from '../agent/allowed.js';
import type { House } from '../house.js';

export interface GrantCheckParams {
  readonly role: string;
  readonly scopes: readonly string[];
  readonly ttlS: number;
  readonly constraints?: Constraints;
}

const checkRole = ({ config }: House, operator: string, role: string): void => {
  const own = Object.entries(config.roles).flatMap(([name, one]) => (one.operator === operator ? [name] : []));
  if (own.includes(role)) return;
  throw new AirlockError('PARAMS_INVALID', 'there is no such role of this operator', {
    field: 'params.role',
    expected: own.join(', ') || 'none yet',
    found: role,
    hint: own.length === 0 ? 'as root: airlock-ctl role add NAME --user USER' : `name one of: ${own.join(', ')}`,
  });
};

/** @throws AirlockError PARAMS_INVALID, SERVICE_UNKNOWN, READ_ONLY, OPERATION_UNKNOWN, POLICY_DENIED, CONSTRAINT */
export const grantCheck = (house: House, operator: string, { role, scopes, ttlS, constraints }: GrantCheckParams): object => {
  checkRole(house, operator, role);
  const wanted = canonicalScopes(scopes);
  checkScopes(house, operator, wanted);
  checkPolicies(house, { operator, role }, wanted);
  ttlOf(house, ttlS);
  limitsOf(constraints, enforcedBy(house, operator, wanted));
  return {};
};
