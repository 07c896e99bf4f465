/**
 * A rule set, made ready for decisions: by role, then by service and operation.
 *
 * Which rules can match an operation is found once and kept; a decision then looks at those only.
 */
import { OPERATOR_ROLE, type ScopeClass } from '@airlock/protocol';
import { compileCondition, type Condition } from './condition.js';
import type { OperationFacts, Permissions } from './facts.js';
import { compileGlobs, type Matches } from './glob.js';
import type { Policy, PolicyRule, RuleSet } from './rule.js';
import { compileWindow, type InWindow } from './window.js';

/** Operations whose rules are kept; more than any house has. */
const MAX_KEPT = 8192;

export interface CompiledRule {
  readonly policy: string;
  readonly rule: PolicyRule;
  readonly conditions: readonly Condition[];
  readonly windows: readonly InWindow[];
}

/** The policies of one role. */
export interface RoleRules {
  /** Policies that want a declared agent identity. */
  readonly identity: readonly string[];
  /** Rules that can match this operation, in the order deny, approval, allow. */
  find(service: string, operation: OperationFacts): readonly CompiledRule[];
}

export interface CompiledRules {
  readonly set: RuleSet;
  readonly permissions: Permissions;
  ofRole(role: string): RoleRules;
}

const ORDER = { deny: 0, approval: 1, allow: 2 } as const;

interface Candidate extends CompiledRule {
  readonly service: Matches;
  readonly operation: Matches;
  readonly classes: ReadonlySet<ScopeClass> | null;
}

/** @throws RangeError, TypeError for a rule that parsePolicyText would have refused */
const compileRule = (policy: string, rule: PolicyRule): Candidate => ({
  ...{ policy, rule },
  conditions: (rule.when ?? []).map((text) => {
    const condition = compileCondition(text);
    if (condition === null) throw new TypeError(`no condition: ${text}`);
    return condition;
  }),
  windows: (rule.windows ?? []).map(compileWindow),
  service: compileGlobs(rule.services),
  operation: compileGlobs(rule.operations),
  classes: rule.classes === undefined ? null : new Set(rule.classes),
});

const isPatternNamed = (patterns: readonly string[] | undefined): boolean =>
  patterns !== undefined && patterns.every((one) => !/^[*?]+$/.test(one));

/** Whether the rule names operations or services by something else than wildcards. */
export const isNamed = ({ services, operations }: PolicyRule): boolean => isPatternNamed(operations) || isPatternNamed(services);

/** POLICY-6: an `allow` frees a write from its code only where it names operations or services; a bare catch-all frees none. */
const mayFree = (rule: PolicyRule, kind: ScopeClass): boolean => rule.decision !== 'allow' || kind !== 'write' || isNamed(rule);

/** Whether some write may be free of a code of its own by this rule. */
export const freesWrites = (rule: PolicyRule): boolean =>
  rule.decision === 'allow' && isNamed(rule) && (rule.classes ?? ['write']).includes('write');

const canMatch = (candidate: Candidate, service: string, { name, class: kind, outward, untrusted }: OperationFacts): boolean => {
  const { rule } = candidate;
  if (candidate.classes !== null && !candidate.classes.has(kind)) return false;
  if (rule.outward !== undefined && rule.outward !== outward) return false;
  if (rule.untrusted !== undefined && rule.untrusted !== untrusted) return false;
  return candidate.service(service) && candidate.operation(name) && mayFree(rule, kind);
};

class PoliciesOfRole implements RoleRules {
  readonly identity: readonly string[];
  readonly #candidates: readonly Candidate[];
  readonly #kept = new Map<string, readonly CompiledRule[]>();

  constructor(policies: readonly Policy[]) {
    this.identity = policies
      .filter(({ requireIdentity }) => requireIdentity === true)
      .map(({ id }) => id)
      .sort();
    this.#candidates = policies
      .flatMap(({ id, rules }) => rules.map((rule) => compileRule(id, rule)))
      .sort((a, b) => ORDER[a.rule.decision] - ORDER[b.rule.decision] || compareNames(a, b));
  }

  find(service: string, operation: OperationFacts): readonly CompiledRule[] {
    const { name, class: kind, outward, untrusted } = operation;
    const key = `${service} ${name} ${kind} ${outward} ${untrusted}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const found = this.#candidates.filter((candidate) => canMatch(candidate, service, operation));
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(key, found);
    return found;
  }
}

/** Within one decision the order is that of names, so that the order in files changes nothing. */
const compareNames = (a: CompiledRule, b: CompiledRule): number => {
  const [left, right] = [`${a.policy} ${a.rule.id}`, `${b.policy} ${b.rule.id}`];
  return left < right ? -1 : Number(left > right);
};

/** Active policies attached to the role or to every role of agents, each once. The operator's own calls have those that name it. */
export const policiesOf = ({ policies, attachments }: RuleSet, role: string): readonly Policy[] => {
  const own = Object.hasOwn(attachments, role) ? attachments[role] : undefined;
  const wanted = new Set([...(own ?? []), ...(role === OPERATOR_ROLE ? [] : (attachments['*'] ?? []))]);
  return policies.filter(({ id, status }) => status === 'active' && wanted.has(id));
};

/** Pure. @throws TypeError, RangeError where a rule is none */
export const compileRules = (set: RuleSet): CompiledRules => {
  const compile = (role: string): RoleRules => new PoliciesOfRole(policiesOf(set, role));
  const roles = new Map([OPERATOR_ROLE, ...Object.keys(set.attachments)].map((role) => [role, compile(role)]));
  // Roles that nothing is attached to share the rules of every role.
  const shared = compile('*');
  const ofRole = (role: string): RoleRules => roles.get(role) ?? shared;
  return { set, permissions: set.permissions, ofRole };
};
