/**
 * Whether one call may happen: lease ∩ policy ∩ configuration, default deny.
 *
 * POLICY-1  what no scope of the lease covers is denied.
 * POLICY-2  the class of an operation is the manifest's, never the caller's.
 * POLICY-3  a lease never reaches beyond what the configuration allows now, whatever it was issued for.
 * POLICY-4  deny wins, then approval, then allow; in which order rules stand changes nothing.
 * POLICY-5  where no rule matches, what reads or uses is allowed and what writes needs an approval of its own.
 * POLICY-7  in a session that read what others wrote, what would be allowed and writes or goes outward needs an approval.
 *           So it does under a lease that lived while the operator was away (PRESENCE-3).
 */
import type { Params, Scope } from '@airlock/protocol';
import type { CompiledRule, CompiledRules } from './compile.js';
import type { OperationFacts } from './facts.js';
import type { Decision, RateLimit } from './rule.js';
import { isClassAllowed } from './visible.js';

export interface CallQuestion {
  readonly service: string;
  readonly operation: OperationFacts;
  /** Every list of scopes in force: the lease's own, then one of each narrowing caveat. All must allow. */
  readonly scopes: readonly (readonly Scope[])[];
  readonly rules: CompiledRules;
  readonly role: string;
  /** What the agent said it is; null where it said nothing. */
  readonly client: string | null;
  /** null: not known yet. A condition then counts as met where the rule denies or asks, and as not met where it allows. */
  readonly params: Params | null;
  readonly nowMs: number;
  /** Calls counted under the key within the last `perS` seconds, without this one. */
  readonly rateCount: (key: string, perS: number) => number;
  readonly tainted: boolean;
  /** The lease lived while the operator was away (PRESENCE-3). */
  readonly wasFrozen?: boolean;
}

type Basis = Pick<Decision, 'decision' | 'policy' | 'rule'>;

const READ_ONLY: Basis = { decision: 'deny', policy: 'configuration', rule: 'configuration-read-only' };
const NO_SCOPE: Basis = { decision: 'deny', policy: 'lease', rule: 'no-scope' };
const BY_LEASE: Basis = { decision: 'allow', policy: 'lease', rule: 'lease-scope' };
const WRITE: Basis = { decision: 'approval', policy: 'configuration', rule: 'write-approval' };
const STEP_UP: Basis = { decision: 'approval', policy: 'taint', rule: 'step-up' };
const AWAY: Basis = { decision: 'approval', policy: 'presence', rule: 'step-up' };

/** True where one of the scopes names the service, the operation's class, and the operation or all of them. */
export const scopesAllow = (scopes: readonly Scope[], service: string, operation: OperationFacts): boolean => {
  for (const scope of scopes) {
    if (scope.service !== service || scope.class !== operation.class) continue;
    if (scope.operation === null || scope.operation === operation.name) return true;
  }
  return false;
};

/** Each rule counts for itself, so that no other rule changes what it counts. */
const keyOf = ({ policy, rule }: CompiledRule, { per }: RateLimit, { role, service, operation }: CallQuestion): string => {
  const about = { role: [role], service: [role, service], operation: [role, service, operation.name] }[per];
  return [`${policy}/${rule.id}`, ...about].join(' ');
};

const conditionsHold = ({ conditions, rule }: CompiledRule, { params }: CallQuestion): boolean => {
  if (conditions.length === 0) return true;
  if (params === null) return rule.decision !== 'allow';
  return conditions.every((holds) => holds(params));
};

const timeHolds = ({ windows, rule }: CompiledRule, { nowMs }: CallQuestion): boolean =>
  windows.length === 0 || windows.some((isIn) => isIn(nowMs)) !== (rule.outsideWindows === true);

const rateHolds = (compiled: CompiledRule, question: CallQuestion): boolean => {
  const { rate } = compiled.rule;
  return rate === undefined || question.rateCount(keyOf(compiled, rate, question), rate.perS) >= rate.calls;
};

const matches = (compiled: CompiledRule, question: CallQuestion): boolean =>
  conditionsHold(compiled, question) && timeHolds(compiled, question) && rateHolds(compiled, question);

const byRule = ({ policy, rule }: CompiledRule): Omit<Decision, 'rateKeys'> => ({
  ...{ decision: rule.decision, policy, rule: rule.id },
  ...(rule.reason === undefined ? {} : { reason: rule.reason }),
  ...(rule.rate === undefined ? {} : { retryAfterMs: rule.rate.perS * 1000 }),
});

/** POLICY-5, POLICY-7. */
const byDefault = ({ operation }: CallQuestion): Basis => (operation.class === 'write' ? WRITE : BY_LEASE);

const stepUp = (decided: Omit<Decision, 'rateKeys'>, question: CallQuestion): Omit<Decision, 'rateKeys'> => {
  const { tainted, wasFrozen = false, operation } = question;
  const isMeant = decided.decision === 'allow' && (operation.outward || operation.class === 'write');
  return isMeant && (tainted || wasFrozen) ? { ...decided, ...(tainted ? STEP_UP : AWAY) } : decided;
};

const noIdentity = (policy: string): Basis & Pick<Decision, 'reason'> => ({
  ...{ decision: 'deny', policy, rule: 'identity' },
  reason: 'the agent has to say who it is (hello: client, or AIRLOCK_AGENT)',
});

/** The rules that match, deny first; the first decides. */
const decideByRules = (question: CallQuestion, found: readonly CompiledRule[]): Omit<Decision, 'rateKeys'> => {
  const [identity] = question.rules.ofRole(question.role).identity;
  if (identity !== undefined && question.client === null) return noIdentity(identity);
  const matching = found.filter((one) => matches(one, question));
  // A rule that limits the risk and allows is about results, whoever decides.
  const risks = matching.flatMap(({ rule }) => (rule.maxRisk === undefined ? [] : [rule.maxRisk]));
  const [first] = matching;
  const decided = stepUp(first === undefined ? byDefault(question) : byRule(first), question);
  return risks.length === 0 ? decided : { ...decided, maxRisk: Math.min(...risks) };
};

const NO_KEYS: Decision['rateKeys'] = [];

const rateKeysOf = (found: readonly CompiledRule[], question: CallQuestion): Decision['rateKeys'] => {
  const counting = found.filter(({ rule }) => rule.rate !== undefined);
  if (counting.length === 0) return NO_KEYS;
  return counting.flatMap((one) => {
    const { rate } = one.rule;
    // What the rule is not about is not counted by it.
    if (rate === undefined || !conditionsHold(one, question) || !timeHolds(one, question)) return [];
    return [{ key: keyOf(one, rate, question), perS: rate.perS }];
  });
};

/** Pure and total. */
export const decideCall = (question: CallQuestion): Decision => {
  const { service, operation, scopes, rules } = question;
  if (!isClassAllowed(rules.permissions, operation.class)) return { ...READ_ONLY, rateKeys: NO_KEYS };
  if (scopes.length === 0) return { ...NO_SCOPE, rateKeys: NO_KEYS };
  for (const list of scopes) if (!scopesAllow(list, service, operation)) return { ...NO_SCOPE, rateKeys: NO_KEYS };
  const found = rules.ofRole(question.role).find(service, operation);
  return { ...decideByRules(question, found), rateKeys: rateKeysOf(found, question) };
};

/** The rule that denies the operation whenever and however it is called, or null. */
export const alwaysDenied = (
  rules: CompiledRules,
  role: string,
  service: string,
  operation: OperationFacts,
): Omit<Decision, 'rateKeys'> | null => {
  const found = rules
    .ofRole(role)
    .find(service, operation)
    .find(
      ({ rule, conditions, windows }) =>
        rule.decision === 'deny' && conditions.length + windows.length === 0 && rule.rate === undefined,
    );
  return found === undefined ? null : byRule(found);
};

/** Whether some rule may free this write from a code of its own (approval.md UNATTENDED-1). */
export const mayBeFreed = (rules: CompiledRules, role: string, service: string, operation: OperationFacts): boolean =>
  operation.class === 'write' &&
  rules
    .ofRole(role)
    .find(service, operation)
    .some(({ rule }) => rule.decision === 'allow');
