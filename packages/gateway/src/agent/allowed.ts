/** What is looked at before a human is bothered, and again before what a human granted is given out. */
import { alwaysDenied, decideRequest, mayBeFreed } from '@airlock/policy';
import { AirlockError, OPERATOR_ROLE, parseScope, scopeCovers, type OperationManifest } from '@airlock/protocol';
import { listServices, requireThawed, type House } from '../house.js';
import type { Identity } from '../sessions/sessions.js';

/** What needs nothing of a connector: the cell scores every result. */
const FOR_EVERY_OPERATION = ['maxRisk'];

/** @throws AirlockError CONSTRAINT */
export const ttlOf = ({ config }: House, ttlS: number | undefined): number => {
  const { defaultTtlS, maxTtlS } = config.leases;
  if (ttlS === undefined) return Math.min(defaultTtlS, maxTtlS);
  if (ttlS <= maxTtlS) return ttlS;
  const detail = {
    field: 'params.ttlS',
    expected: `at most ${maxTtlS}`,
    found: String(ttlS),
    hint: `ask for at most ${maxTtlS} seconds`,
  };
  throw new AirlockError('CONSTRAINT', `a lease lasts at most ${maxTtlS} s`, detail);
};

/** @param scopes canonical. @throws AirlockError SERVICE_UNKNOWN, READ_ONLY, OPERATION_UNKNOWN */
export const checkScopes = (house: House, operator: string, scopes: readonly string[]): void => {
  const services = new Map(listServices(house, operator).map((service) => [service.entry.service, service.operations]));
  const refusal = decideRequest(scopes.map(parseScope), services, house.rules().permissions);
  if (refusal !== null) throw refusal;
};

/** Operations within the scopes, with their service. */
const within = (
  house: House,
  operator: string,
  scopes: readonly string[],
): { service: string; operation: OperationManifest }[] => {
  const wanted = scopes.map(parseScope);
  return listServices(house, operator).flatMap(({ entry: { service }, operations }) =>
    [...operations.values()]
      .filter(({ class: kind, name }) => wanted.some((scope) => scopeCovers(scope, { service, class: kind, operation: name })))
      .map((operation) => ({ service, operation })),
  );
};

/** No human is asked for what a policy denies whatever they say. @throws AirlockError POLICY_DENIED where it denies all of a scope */
export const checkPolicies = (house: House, { operator, role }: Identity, scopes: readonly string[]): void => {
  for (const scope of scopes) {
    const denials = within(house, operator, [scope]).map((one) => alwaysDenied(house.rules(), role, one.service, one.operation));
    const [first] = denials;
    if (first === undefined || first === null || denials.includes(null)) continue;
    const why = first.reason === undefined ? '' : `: ${first.reason}`;
    throw new AirlockError('POLICY_DENIED', `the policy ${first.policy} (rule ${first.rule}) denies all of ${scope}${why}`, {
      field: 'params.scopes',
      found: scope,
    });
  }
};

/** UNATTENDED-1: `service:operation` of the writes within the scopes that a policy may free from a code of their own. */
export const freedWrites = (house: House, { operator, role }: Identity, scopes: readonly string[]): readonly string[] =>
  within(house, operator, scopes)
    .filter(({ service, operation }) => mayBeFreed(house.rules(), role, service, operation))
    .map(({ service, operation }) => `${service}:${operation.name}`)
    .sort();

/** Names of the constraints that at least one operation within the scopes enforces, and of those that cell and gateway enforce for every one. */
export const enforcedBy = (house: House, operator: string, scopes: readonly string[]): readonly string[] => {
  const enforced = within(house, operator, scopes).flatMap(({ operation: { constraints = [] } }) => constraints);
  return [...new Set([...enforced, ...FOR_EVERY_OPERATION])].sort();
};

/** @throws AirlockError UNAVAILABLE, LOCKED */
export const checkOpen = (house: House, { operator, role }: Identity): void => {
  const cutOff = house.bridge.refusal();
  if (cutOff !== null) throw cutOff;
  // The operator's own request is what `unlock` and diagnosis are for; airlock-totp decides on it.
  if (role !== OPERATOR_ROLE) requireThawed(house, operator);
};
