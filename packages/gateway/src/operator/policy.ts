/** The operator's view of the rules: what is in force, what waits, how a call would be decided, and what a code applies. */
import { decideCall, withDefaults, type CompiledRules } from '@airlock/policy';
import { AirlockError, type Params, type PolicyReload, type PolicyStatus, type PolicyTest } from '@airlock/protocol';
import { findService, listServices, type House } from '../house.js';
import { tellRulesChanged } from '../listed/tell.js';
import { loadConfig } from '../state/config.js';
import { redeem, type TicketParams } from './redeem.js';

export const policyStatus = (house: House): PolicyStatus => house.rulesInForce.status();

/** @throws AirlockError CONFIG_INVALID where the compiled configuration cannot be read; what is in force stays */
export const policyReload = async (house: House): Promise<PolicyReload> => {
  const { config, problem } = loadConfig(house.options.configDir);
  if (problem !== null) throw problem;
  const answer = house.rulesInForce.reload(config);
  const { outcome, digest, changes } = answer;
  if (outcome !== 'unchanged') await house.journal.durable('policy_changed', { outcome, digest, changes: changes.slice(0, 20) });
  if (outcome === 'applied') tellRulesChanged(house);
  return answer;
};

/** OPERATOR-2. @throws AirlockError NOT_AUTHENTICATED, NOT_FOUND, AUDIT_UNAVAILABLE */
export const policyApply = async (house: House, operator: string, { ticket }: TicketParams): Promise<PolicyReload> => {
  const { params } = await redeem(house, operator, 'policy.apply', ticket);
  const { digest, changes } = house.rulesInForce.check(params);
  await house.journal.durable('policy_changed', { operator, outcome: 'approved', digest, changes: changes.slice(0, 20) });
  const answer = house.rulesInForce.apply(params);
  tellRulesChanged(house);
  return answer;
};

export interface PolicyTestParams {
  readonly role: string;
  readonly service: string;
  readonly operation: string;
  readonly params?: Params;
  readonly client?: string;
  readonly atMs?: number;
  readonly tainted?: boolean;
  readonly staged?: boolean;
}

const rulesFor = (house: House, isStaged: boolean): CompiledRules => {
  const staged = isStaged ? house.rulesInForce.staged() : house.rules();
  if (staged !== null) return staged;
  throw new AirlockError('NOT_FOUND', 'no changed rules wait for a code', { hint: 'leave --staged out' });
};

/** As if a lease covered it; counters start at nothing. @throws AirlockError SERVICE_UNKNOWN, OPERATION_UNKNOWN, NOT_FOUND */
export const policyTest = (house: House, operator: string, asked: PolicyTestParams): PolicyTest => {
  const { role, service, operation: name, params = null, client = 'policy test', atMs, tainted = false } = asked;
  const found = findService(house, operator, service);
  const names = listServices(house, operator)
    .map(({ entry }) => entry.service)
    .join(', ');
  if (found === null)
    throw new AirlockError('SERVICE_UNKNOWN', `there is no service ${service}`, {
      field: 'params.service',
      expected: names,
      found: service,
      hint: 'airlock-ctl service list shows the services there are',
    });
  const operation = found.operations.get(name);
  if (operation === undefined) {
    const expected = [...found.operations.keys()].join(', ');
    throw new AirlockError('OPERATION_UNKNOWN', `${service} has no operation ${name}`, {
      field: 'params.operation',
      expected,
      hint: `name one of: ${expected}`,
    });
  }
  const { decision, policy, rule, reason, maxRisk } = decideCall({
    ...{ service, operation, scopes: [[{ service, class: operation.class, operation: null }]], role, tainted },
    params: params === null ? null : withDefaults(operation.params, params),
    rules: rulesFor(house, asked.staged === true),
    client: client === '' ? null : client,
    nowMs: atMs ?? house.clock.wallMs(),
    rateCount: () => 0,
  });
  return { decision, policy, rule, ...(reason === undefined ? {} : { reason }), ...(maxRisk === undefined ? {} : { maxRisk }) };
};
