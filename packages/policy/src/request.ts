/** What no approval could allow is refused when it is asked for, so that no human is bothered with it. */
import { AirlockError, formatScope, type Scope } from '@airlock/protocol';
import type { Permissions, ServiceFacts, Services } from './facts.js';
import { isClassAllowed } from './visible.js';

const FIELD = 'params.scopes';

const list = (names: Iterable<string>): string => [...names].join(', ') || 'none';

const unknownService = (scope: Scope, services: Services): AirlockError => {
  const expected = list(services.keys());
  const hint =
    services.size === 0 ? 'the operator has to add a service first: airlock-ctl service add KIND' : `ask for one of: ${expected}`;
  return new AirlockError('SERVICE_UNKNOWN', `there is no service ${scope.service}`, {
    field: FIELD,
    expected,
    found: scope.service,
    hint,
  });
};

const readOnly = (scope: Scope): AirlockError => {
  const detail = { field: FIELD, expected: `${scope.service}:read`, found: formatScope(scope) };
  return new AirlockError('READ_ONLY', `the configuration allows no scope of class ${scope.class}`, {
    ...detail,
    hint: `ask for ${scope.service}:read`,
  });
};

const unknownOperation = (scope: Scope, operation: string, facts: ServiceFacts): AirlockError => {
  const fitting = [...facts.values()].filter((one) => one.class === scope.class).map(({ name }) => name);
  return new AirlockError('OPERATION_UNKNOWN', `${scope.service} has no operation ${operation} of class ${scope.class}`, {
    field: FIELD,
    expected: list(fitting),
    found: operation,
    hint: `leave the operation out, or ask for one of: ${list(fitting)}`,
  });
};

const refuseScope = (scope: Scope, services: Services, permissions: Permissions): AirlockError | null => {
  const facts = services.get(scope.service);
  if (facts === undefined) return unknownService(scope, services);
  if (!isClassAllowed(permissions, scope.class)) return readOnly(scope);
  if (scope.operation !== null && facts.get(scope.operation)?.class !== scope.class)
    return unknownOperation(scope, scope.operation, facts);
  return null;
};

/**
 * The refusal of the first scope that no approval could allow, or null.
 * @returns SERVICE_UNKNOWN, READ_ONLY or OPERATION_UNKNOWN, with what could be asked for instead.
 */
export const decideRequest = (scopes: readonly Scope[], services: Services, permissions: Permissions): AirlockError | null => {
  for (const scope of scopes) {
    const refusal = refuseScope(scope, services, permissions);
    if (refusal !== null) return refusal;
  }
  return null;
};
